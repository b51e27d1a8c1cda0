// SPDX-License-Identifier: MIT
// error: iop: a cluster is its devices and then the link that joins them: cluster{camera, hub, wifi}.
// never: no matching function
// never: deduc
// never: has no link
#include <iop/deploy/deployment.hpp>
#include <iop/zoo/lenet5.hpp>

using namespace iop::literals;

constexpr iop::device camera{"camera", 1_GFLOPs, 1_GBps, 8_MiB}, sensor{"sensor", 1_GFLOPs, 1_GBps, 8_MiB};
constexpr iop::link wifi{100_Mbitps, 1_ms};

#ifdef IOP_TWIN
constexpr iop::cluster porch{camera, sensor, wifi};
#else
constexpr iop::cluster porch{wifi, camera, sensor};
#endif

struct house {
  using network = iop::zoo::lenet5;
  static constexpr auto cluster = porch;
  static constexpr auto plan = iop::planned<network, cluster, iop::policy::output_channel>;
};

static_assert(iop::deploy::check<house>());
