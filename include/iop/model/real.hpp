// SPDX-License-Identifier: MIT
#pragma once

// A real number as a template argument: `leaky_relu<0.2>`, `epsilon<1e-3>`. Clang 16 takes no floating-point
// template arguments, but it takes structs that numbers convert to, so the number travels as its bits.

#include <bit>
#include <concepts>
#include <cstdint>
#include <type_traits>

namespace iop::model {

/// A float; written as any number literal.
struct real {
  std::uint32_t bits = 0;

  template <class Number>
  requires std::is_arithmetic_v<Number>
  consteval real(Number number)  // NOLINT: literals convert
      : bits(std::bit_cast<std::uint32_t>(static_cast<float>(number))) {}

  constexpr float value() const { return std::bit_cast<float>(bits); }
  friend constexpr bool operator==(const real&, const real&) = default;
};

}  // namespace iop::model
