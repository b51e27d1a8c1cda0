// SPDX-License-Identifier: MIT
// error: iop: this cannot be; the reason is the quoted sentence.
// error(gcc): executor<Deployment, 2> needs a rank below 2, the number of devices.
// error(clang): executor<Deployment, 2> needs a
// error(clang): rank below 2, the number of
// never: subscript
// never: /error: .* constant expression/
#include <iop/comm/in_process.hpp>
#include <iop/iop.hpp>

using namespace iop::literals;
using namespace iop::model;

struct example : network<input<1, 28, 28>, conv2d<6, kernel<5>>, relu, flatten, dense<100>> {};

struct porch {
  using network = example;
  static constexpr iop::cluster cluster{iop::device{"camera", 1_GFLOPs, 1_GBps, 8_MiB},
                                        iop::device{"sensor", 1_GFLOPs, 1_GBps, 8_MiB},
                                        iop::link{100_Mbitps, 1_ms}};
  static constexpr auto plan = iop::planned<network, cluster, iop::policy::output_channel>;
};

#ifdef IOP_TWIN
constexpr std::size_t rank = 1;
#else
constexpr std::size_t rank = 2;
#endif

constexpr auto bytes = iop::executor<porch, rank>::weight_bytes();
