// SPDX-License-Identifier: MIT
#pragma once

// A set of ranks as bits of one number, for up to 32 devices.

#include <cstddef>
#include <cstdint>

namespace iop {

using rank_set = std::uint32_t;
inline constexpr rank_set everyone = ~rank_set{0};

constexpr bool has(rank_set members, std::size_t rank) { return (members >> rank & 1) != 0; }

}  // namespace iop
