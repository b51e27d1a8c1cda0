// SPDX-License-Identifier: MIT
#pragma once

// The cache that the blocks of kernels are made for. It is one figure for all devices, because planners count
// the workspace of blocks. A core with less waits for the next level instead; one with more gains nothing.

#include <cstddef>

namespace iop {

/// Bytes of the second-level cache.
inline constexpr std::size_t second_level_cache = std::size_t{1} << 20;

}  // namespace iop
