// SPDX-License-Identifier: MIT
#pragma once

// Copying between a buffer and a channel range of a wider one: how shards are put together and taken apart.

#include <iop/kernel/geometry.hpp>
#include <iop/kernel/simd.hpp>

#include <cstddef>
#include <cstring>

namespace iop::kernel {

/// Copies height × width × channels floats; the two shapes differ in pixel_stride only. The buffers do not
/// overlap.
inline void copy(const extents& from_shape, const float* from, const extents& to_shape, float* to) {
  const std::size_t pixels = from_shape.height * from_shape.width, channels = from_shape.channels;
  if (pixels == 0 || channels == 0) return;
  if (pixels == 1 || (from_shape.pixel_stride == channels && to_shape.pixel_stride == channels)) {
    std::memcpy(to, from, pixels * channels * sizeof(float));
    return;
  }
  for (std::size_t p = 0; p < pixels; ++p, from += from_shape.pixel_stride, to += to_shape.pixel_stride) {
    std::size_t c = 0;  // a call of memcpy per pixel costs more than the few floats it would move
    for (; c + simd::lanes <= channels; c += simd::lanes) simd::store(to + c, simd::load(from + c));
    if (c < channels) simd::store_first(to + c, simd::load_first(from + c, channels - c), channels - c);
  }
}

}  // namespace iop::kernel
