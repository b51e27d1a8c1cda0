// SPDX-License-Identifier: MIT
#pragma once

// The devices on the porch and how they share LeNet-5: a deployment for each number of devices and each
// policy. Images are taken by the camera, rank 0, which also wants the answer. Each device has the memory for
// all weights, so that `single_device`, with which the others are compared, is possible too.

#include "network.hpp"

#include <iop/deploy/deployment.hpp>

#include <cstddef>

namespace lenet5 {

using namespace iop::literals;

inline constexpr std::size_t fewest_devices = 2;
inline constexpr std::size_t most_devices = 4;
inline constexpr iop::policy policies[] = {iop::policy::single_device, iop::policy::output_channel,
                                           iop::policy::coedge, iop::policy::interleaved};

/// Boards of the size of a Raspberry Pi, in the order of their ranks.
inline constexpr iop::device boards[most_devices] = {{"camera", 10_GFLOPs, 3_GBps, 512_KiB},
                                                     {"hub", 10_GFLOPs, 3_GBps, 512_KiB},
                                                     {"sensor", 10_GFLOPs, 3_GBps, 512_KiB},
                                                     {"phone", 10_GFLOPs, 3_GBps, 512_KiB}};
inline constexpr iop::link cable{100_Mbitps, 500_us};

/// The first so many boards, each joined to each.
template <std::size_t Devices>
constexpr iop::cluster<Devices> first_boards() {
  iop::cluster<Devices> first;
  for (std::size_t rank = 0; rank < Devices; ++rank) first.devices.push_back(boards[rank]);
  first.connect_all(cable);
  return first;
}

template <std::size_t Devices, iop::policy Policy>
struct porch {
  using network = lenet5;
  static constexpr auto cluster = first_boards<Devices>();
  static constexpr auto plan = iop::planned<network, cluster, Policy>;
};

}  // namespace lenet5
