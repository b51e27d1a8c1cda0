// SPDX-License-Identifier: MIT
// error: iop: this cannot be; the reason is the quoted sentence.
// error(gcc): device \'camera\' (rank 0) has no link to device \'sensor\' (rank 1): give the
// error(gcc): link a bandwidth above 0.
// error(clang): device \'camera\' (rank 0) has no
// error(clang): link to device \'sensor\' (rank
// error(clang): 1): give the link a bandwidth
// error(clang): above 0.
#include <iop/deploy/deployment.hpp>

using namespace iop::literals;
using namespace iop::model;

struct example : network<input<1, 28, 28>, conv2d<6, kernel<5>>, relu, flatten, dense<100>> {};

#ifdef IOP_TWIN
constexpr iop::link wifi{100_Mbitps, 1_ms};
#else
constexpr iop::link wifi{};
#endif

struct porch {
  using network = example;
  static constexpr iop::cluster cluster{iop::device{"camera", 1_GFLOPs, 1_GBps, 8_MiB},
                                        iop::device{"sensor", 1_GFLOPs, 1_GBps, 8_MiB}, wifi};
  static constexpr auto plan = iop::planned<network, cluster, iop::policy::output_channel>;
};

static_assert(iop::deploy::check<porch>());
