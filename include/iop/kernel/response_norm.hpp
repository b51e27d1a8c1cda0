// SPDX-License-Identifier: MIT
#pragma once

// Local response normalisation: each channel is divided by a power of the squares of its neighbours. Lanes
// are output channels; the window is clipped to the input channels given, which therefore must reach as far
// as the network's channels do or the window does. Squares are added in ascending order of channels, so that
// a shard has the bits of the whole.

#include <iop/kernel/chunk.hpp>
#include <iop/kernel/extents.hpp>
#include <iop/kernel/simd.hpp>
#include <iop/spec/operators.hpp>

#include <algorithm>
#include <cstddef>

namespace iop::kernel {

namespace detail {

/// Channels [first, first + count) of a pixel, zero where they do not exist. `first` may be negative.
inline simd::batch load_clipped(const float* pixel, std::size_t channels, std::ptrdiff_t first,
                                std::size_t count) {
  const auto end = static_cast<std::ptrdiff_t>(channels);
  if (first >= 0 && first + static_cast<std::ptrdiff_t>(count) <= end)
    return load_chunk(pixel + first, count);
  float some[simd::lanes] = {};
  for (std::size_t i = 0; i < count; ++i) {
    const std::ptrdiff_t c = first + static_cast<std::ptrdiff_t>(i);
    if (c >= 0 && c < end) some[i] = pixel[c];
  }
  return simd::load(some);
}

}  // namespace detail

/// Output channel c is input channel c + shift; height and width are those of the output. Buffers do not
/// overlap.
inline void local_response_norm(const response_norm& n, std::size_t shift, const extents& in_shape,
                                const float* in, const extents& out_shape, float* out) {
  const simd::batch factor = simd::broadcast(n.alpha / static_cast<float>(n.size));
  const simd::batch k = simd::broadcast(n.k), exponent = simd::broadcast(-n.beta);
  const std::size_t pixels = out_shape.height * out_shape.width;
  for (std::size_t p = 0; p < pixels; ++p, in += in_shape.pixel_stride, out += out_shape.pixel_stride)
    for_each_chunk(out_shape.channels, [&](std::size_t c, std::size_t count) {
      const std::ptrdiff_t first =
          static_cast<std::ptrdiff_t>(c + shift) - static_cast<std::ptrdiff_t>(n.size / 2);
      simd::batch squares = simd::broadcast(0.0f);
      for (std::size_t i = 0; i < n.size; ++i) {
        const simd::batch x =
            detail::load_clipped(in, in_shape.channels, first + static_cast<std::ptrdiff_t>(i), count);
        squares = simd::multiply_add(x, x, squares);
      }
      const simd::batch power = simd::exp(exponent * simd::log(simd::multiply_add(factor, squares, k)));
      store_chunk(out + c, load_chunk(in + c + shift, count) * power, count);
    });
}

}  // namespace iop::kernel
