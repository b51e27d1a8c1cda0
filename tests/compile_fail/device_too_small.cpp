// SPDX-License-Identifier: MIT
// error: iop: this cannot be; the reason is the quoted sentence.
// error(gcc): /device \\'sensor\\' \(rank 1\) needs [0-9]{6} bytes under policy output_channel/
// error(gcc): /output_channel \(weights [0-9]+, arena [0-9]+\) but has 65536:/
// error(gcc): /65536: [0-9]{6} bytes too few; choose another policy, more devices or memory\./
// error(gcc): /error: invalid use of incomplete type .struct iop::impossible<iop::text<\d+>\{"device/
// error(clang): /error: static assertion failed due to requirement .{,40}impossible<iop::text<\d+>\{"device/
// error(clang): device \'sensor\' (rank 1) needs
// error(clang): /[0-9]{6} bytes under policy/
// error(clang): /output_channel \(weights [0-9]+,/
// error(clang): /arena [0-9]+\) but has 65536:/
// error(clang): /[0-9]{6} bytes too few; choose/
// error(clang): another policy, more devices or
// error(clang): "memory.
#include <iop/deploy/deployment.hpp>

using namespace iop::literals;
using namespace iop::model;

struct example : network<input<1, 28, 28>, conv2d<6, kernel<5>>, relu, flatten, dense<100>> {};

#ifdef IOP_TWIN
constexpr auto memory = 4_MiB;
#else
constexpr auto memory = 64_KiB;
#endif

struct porch {
  using network = example;
  static constexpr iop::cluster cluster{iop::device{"camera", 1_GFLOPs, 1_GBps, 8_MiB},
                                        iop::device{"sensor", 1_GFLOPs, 1_GBps, memory},
                                        iop::link{100_Mbitps, 1_ms}};
  static constexpr auto plan = iop::planned<network, cluster, iop::policy::output_channel>;
};

static_assert(iop::deploy::check<porch>());
