// SPDX-License-Identifier: MIT
#pragma once

// The networks that can be asked about, as plain numbers.

#include <iop/spec/operators.hpp>

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace what_if {

/// Enough for each network, so that the planner is compiled once for each number of devices.
inline constexpr std::size_t most_operators = 96;

struct network {
  std::string_view name{};
  iop::op_list ops{};
  std::vector<std::string> labels{};  ///< a distinct name for each operator
};

/// In the order in which they are listed to the user.
const std::vector<network>& networks();

}  // namespace what_if
