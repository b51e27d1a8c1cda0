// SPDX-License-Identifier: MIT
// error: iop: a cluster is its devices and then the link that joins them: cluster{camera, hub, wifi}.
// never: no matching function
// never: has no device
#include <iop/deploy/deployment.hpp>

using namespace iop::literals;
using namespace iop::model;

constexpr iop::device camera{"camera", 1_GFLOPs, 1_GBps, 8_MiB}, sensor{"sensor", 1_GFLOPs, 1_GBps, 8_MiB};

#ifdef IOP_TWIN
constexpr iop::cluster porch{camera, sensor, iop::link{100_Mbitps, 1_ms}};
#else
constexpr iop::cluster porch{camera, sensor};
#endif
