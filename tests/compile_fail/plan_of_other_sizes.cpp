// SPDX-License-Identifier: MIT
// error: iop: this cannot be; the reason is the quoted sentence.
// error(gcc): the plan is of another network: its cuts (output_channel) do not fit operator 1,
// error(gcc): conv2d to 6x24x24: make the plan from this network and this cluster.
// error(clang): the plan is of another
// error(clang): not fit operator 1, conv2d to
#include <iop/deploy/deployment.hpp>

using namespace iop::literals;
using namespace iop::model;

struct example : network<input<1, 28, 28>, conv2d<6, kernel<5>>, relu, flatten, dense<100>> {};

#ifdef IOP_TWIN
using made_for = example;
#else
struct made_for : network<input<1, 28, 28>, conv2d<4, kernel<5>>, relu, flatten, dense<100>> {};
#endif

struct porch {
  using network = example;
  static constexpr iop::cluster cluster{iop::device{"camera", 1_GFLOPs, 1_GBps, 8_MiB},
                                        iop::device{"sensor", 1_GFLOPs, 1_GBps, 8_MiB},
                                        iop::link{100_Mbitps, 1_ms}};
  static constexpr auto plan = iop::make_plan<made_for>(cluster, iop::policy::output_channel);
};

static_assert(iop::deploy::check<porch>());
