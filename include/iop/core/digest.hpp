// SPDX-License-Identifier: MIT
#pragma once

// A 64-bit digest (FNV-1a, Fowler–Noll–Vo) of the numbers that describe a network or a plan. Two binaries
// whose digests differ must not exchange activations. It guards against mistakes, not against attackers.

#include <cstdint>
#include <string_view>

namespace iop {

struct digest {
  std::uint64_t value = 14695981039346656037u;

  constexpr digest& add(std::uint64_t number) {
    for (int byte = 0; byte < 8; ++byte) {
      value = (value ^ (number & 0xff)) * 1099511628211u;
      number >>= 8;
    }
    return *this;
  }
  constexpr digest& add(std::string_view characters) {
    for (const char c : characters) value = (value ^ static_cast<unsigned char>(c)) * 1099511628211u;
    return add(characters.size());
  }
  friend constexpr bool operator==(const digest&, const digest&) = default;
};

}  // namespace iop
