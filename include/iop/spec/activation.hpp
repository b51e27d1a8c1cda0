// SPDX-License-Identifier: MIT
#pragma once

// Functions applied to each element on its own. They follow an operator without moving data, so a kernel
// applies them while it stores its result; on a partial sum they must wait for the reduction.

#include <cstdint>
#include <string_view>

namespace iop {

enum class activation : std::uint8_t { none, relu };

constexpr std::string_view name_of(activation a) { return a == activation::relu ? "relu" : "none"; }

}  // namespace iop
