// SPDX-License-Identifier: MIT
#pragma once

// Functions applied to each element on its own. They follow an operator without moving data, so a kernel
// applies them while it stores its result; on a partial sum they must wait for the reduction.

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace iop {

/// Names and meanings are PyTorch's: relu6 = min(max(x, 0), 6); leaky_relu = x > 0 ? x : slope · x;
/// hard_swish = x · relu6(x + 3) / 6; sigmoid = 1 / (1 + exp(−x)).
enum class activation : std::uint8_t { none, relu, relu6, leaky_relu, hard_swish, sigmoid, tanh };

constexpr std::string_view name_of(activation a) {
  constexpr std::string_view names[] = {"none",       "relu",    "relu6", "leaky_relu",
                                        "hard_swish", "sigmoid", "tanh"};
  return names[static_cast<std::size_t>(a)];
}

}  // namespace iop
