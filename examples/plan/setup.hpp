// SPDX-License-Identifier: MIT
#pragma once

// What a plan is made for: devices, links, and where the input starts and the result is wanted. At run time
// the number of devices is a value, so the cluster has room for as many as the tool allows.

#include <iop/planner/plan.hpp>
#include <iop/spec/cluster.hpp>

#include <cstddef>
#include <list>
#include <string>

namespace what_if {

inline constexpr std::size_t most_devices = 8;

using any_cluster = iop::cluster<most_devices>;

/// Owns the names that the devices refer to.
struct setup {
  any_cluster cluster{};
  iop::endpoints ends{};
  std::list<std::string> names{};  // a list: a name must not move when another is added

  setup() = default;
  setup(setup&&) = default;
  setup& operator=(setup&&) = default;

  void add(iop::device next, std::string name) {
    next.name = names.emplace_back(std::move(name));
    cluster.devices.push_back(next);
  }
};

}  // namespace what_if
