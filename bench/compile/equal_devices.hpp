// SPDX-License-Identifier: MIT
#pragma once

// The cluster that every compilation plans for: equal boards, each joined to each.

#include <iop/spec/cluster.hpp>

#include <cstddef>

namespace iop_bench {

using namespace iop::literals;

template <std::size_t Devices>
constexpr iop::cluster<Devices> equal_devices() {
  iop::cluster<Devices> equal;
  for (std::size_t rank = 0; rank < Devices; ++rank)
    equal.devices.push_back({"board", 10_GFLOPs, 3_GBps, 8_GiB});
  equal.connect_all({100_Mbitps, 2_ms});
  return equal;
}

}  // namespace iop_bench
