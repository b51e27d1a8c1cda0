// SPDX-License-Identifier: MIT
#pragma once

// A set of ranks as bits of one number, for up to 32 devices.

#include <cstddef>
#include <cstdint>

namespace iop {

using rank_set = std::uint32_t;
inline constexpr rank_set everyone = ~rank_set{0};

constexpr bool has(rank_set members, std::size_t rank) { return (members >> rank & 1) != 0; }
/// Ranks 0 to `count` - 1.
constexpr rank_set first_ranks(std::size_t count) {
  return static_cast<rank_set>((std::uint64_t{1} << count) - 1);
}
/// By the compilers' own function: they interpret that of <bit>.
constexpr std::size_t count_of(rank_set members) {
  return static_cast<std::size_t>(__builtin_popcount(members));
}

}  // namespace iop
