// SPDX-License-Identifier: MIT
#pragma once

// Channels taken a register at a time, for kernels whose lanes are independent channels. When the channels do
// not fill the last register it starts earlier and computes some of them twice: the same bits, and no partial
// loads.

#include <iop/kernel/simd.hpp>

#include <algorithm>
#include <cstddef>

namespace iop::kernel {

/// Calls visit(begin, count) for pieces that cover [0, channels); count < lanes only if channels < lanes.
template <class Visit>
void for_each_chunk(std::size_t channels, Visit&& visit) {
  const std::size_t count = std::min(channels, simd::lanes);
  for (std::size_t c = 0; c < channels; c += simd::lanes) visit(std::min(c, channels - count), count);
}

inline simd::batch load_chunk(const float* from, std::size_t count) {
  return count == simd::lanes ? simd::load(from) : simd::load_first(from, count);
}

inline void store_chunk(float* to, const simd::batch& values, std::size_t count) {
  if (count == simd::lanes)
    simd::store(to, values);
  else
    simd::store_first(to, values, count);
}

}  // namespace iop::kernel
