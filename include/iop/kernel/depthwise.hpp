// SPDX-License-Identifier: MIT
#pragma once

// Depthwise convolution: output channel o sees only input channel o / multiplier. Lanes are channels and
// weights are packed [kernel row][kernel column][channel]. Each output is one chain: bias, + x·w in ascending
// order of taps.

#include <iop/kernel/activation.hpp>
#include <iop/kernel/chunk.hpp>
#include <iop/kernel/geometry.hpp>
#include <iop/kernel/region.hpp>
#include <iop/kernel/simd.hpp>

#include <cstddef>

namespace iop::kernel {

/// True when every output channel sees exactly one input channel, one of several.
constexpr bool is_depthwise(const windowed& g) { return g.groups > 1 && g.in.channels == g.groups; }

namespace detail {

/// The inputs of output channels [c, c + count).
inline simd::batch depthwise_inputs(const float* pixel, std::size_t c, std::size_t count,
                                    std::size_t multiplier) {
  if (multiplier == 1) return load_chunk(pixel + c, count);
  float repeated[simd::lanes] = {};
  for (std::size_t i = 0; i < count; ++i) repeated[i] = pixel[(c + i) / multiplier];
  return simd::load(repeated);
}

/// `Pixels` neighbouring outputs; `in` and `weights` are at the first tap in use.
template <std::size_t Pixels>
void depthwise_tile(const windowed& g, const region& r, const float* in, const float* weights,
                    const float* bias, float* out) {
  const std::size_t channels = g.out.channels, multiplier = channels / g.in.channels;
  const std::size_t in_step = g.stride_width * g.in.pixel_stride;
  const limits l = limits_of(g.act);
  for_each_chunk(channels, [&](std::size_t c, std::size_t count) {
    simd::batch sum[Pixels];
    const simd::batch start = bias != nullptr ? load_chunk(bias + c, count) : simd::broadcast(0.0f);
#pragma GCC unroll 4
    for (std::size_t p = 0; p < Pixels; ++p) sum[p] = start;
    for (std::size_t i = 0; i < r.kernel_rows.size(); ++i)
      for (std::size_t j = 0; j < r.kernel_columns.size(); ++j) {
        const float* x =
            in + i * g.dilation_height * g.in.row_stride() + j * g.dilation_width * g.in.pixel_stride;
        const simd::batch w = simd::load(weights + (i * g.kernel_width + j) * channels + c);
#pragma GCC unroll 4
        for (std::size_t p = 0; p < Pixels; ++p)
          sum[p] = simd::multiply_add(depthwise_inputs(x + p * in_step, c, count, multiplier), w, sum[p]);
      }
#pragma GCC unroll 4
    for (std::size_t p = 0; p < Pixels; ++p)
      store_chunk(out + p * g.out.pixel_stride + c, limited(l, sum[p]), count);
  });
}

}  // namespace detail

inline void depthwise(const windowed& g, const float* in, const float* packed, const float* bias,
                      float* out) {
  constexpr std::size_t width = 4;
  for_each_region(g, [&](const region& r) {
    const float* weights =
        packed + (r.kernel_rows.begin * g.kernel_width + r.kernel_columns.begin) * g.out.channels;
    const std::size_t next_row = r.sees_input() ? g.stride_height * g.in.row_stride() : 0;
    const std::size_t next_column = r.sees_input() ? g.stride_width * g.in.pixel_stride : 0;
    for (std::size_t y = 0; y < r.rows.size(); ++y) {
      const float* from = in + input_offset(g, r) + y * next_row;
      float* to = out + output_offset(g, r) + y * g.out.row_stride();
      std::size_t x = 0;
      for (; x + width <= r.columns.size(); x += width)
        detail::depthwise_tile<width>(g, r, from + x * next_column, weights, bias,
                                      to + x * g.out.pixel_stride);
      for (; x < r.columns.size(); ++x)
        detail::depthwise_tile<1>(g, r, from + x * next_column, weights, bias, to + x * g.out.pixel_stride);
      activate_limited(g.act, {1, r.columns.size(), g.out.channels, g.out.pixel_stride}, to);
    }
  });
}

}  // namespace iop::kernel
