// SPDX-License-Identifier: MIT
#pragma once

// The cluster that every compilation plans for: equal boards, each joined to each, whose plans use Winograd's
// algorithm where that is given a rate.

#include <iop/spec/cluster.hpp>

#include <cstddef>

namespace iop_bench {

using namespace iop::literals;

template <std::size_t Devices>
constexpr iop::cluster<Devices> equal_devices(iop::compute_rate winograd = {}) {
  iop::cluster<Devices> equal;
  for (std::size_t rank = 0; rank < Devices; ++rank)
    equal.devices.push_back({.name = "board",
                             .compute = 10_GFLOPs,
                             .memory_bandwidth = 3_GBps,
                             .memory = 8_GiB,
                             .winograd = winograd});
  equal.connect_all({100_Mbitps, 2_ms});
  return equal;
}

}  // namespace iop_bench
