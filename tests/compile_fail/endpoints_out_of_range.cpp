// SPDX-License-Identifier: MIT
// error: iop: this cannot be; the reason is the quoted sentence.
// error(gcc): the input starts on rank 0 and the result ends on rank 2, but the cluster has 2 devices:
// error(gcc): name ranks below 2.
// error(clang): /the result ends on rank 2,.*the cluster has 2 devices/
// never: subscript
// never: executor.hpp:
#include <iop/deploy/deployment.hpp>

using namespace iop::literals;
using namespace iop::model;

struct example : network<input<1, 28, 28>, conv2d<6, kernel<5>>, relu, flatten, dense<100>> {};

#ifdef IOP_TWIN
constexpr iop::endpoints ends{0, 1};
#else
constexpr iop::endpoints ends{0, 2};
#endif

struct porch {
  using network = example;
  static constexpr iop::cluster cluster{iop::device{"camera", 1_GFLOPs, 1_GBps, 8_MiB},
                                        iop::device{"sensor", 1_GFLOPs, 1_GBps, 8_MiB},
                                        iop::link{100_Mbitps, 1_ms}};
  static constexpr auto plan = iop::make_plan<network>(cluster, iop::policy::interleaved, ends);
};

static_assert(iop::deploy::check<porch>());
