// SPDX-License-Identifier: MIT
// Plans vgg16 for 4 devices in the compiler and makes no code.
#include "equal_devices.hpp"

#include <iop/iop.hpp>
#include <iop/zoo/vgg.hpp>

struct deployment {
  using network = iop::zoo::vgg16;
  static constexpr auto cluster = iop_bench::equal_devices<4>();
  static constexpr auto plan = iop::planned<network, cluster, iop::policy::optimal>;
};

static_assert(deployment::plan.strategy == iop::policy::optimal);
