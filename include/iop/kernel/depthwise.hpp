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

/// The same for `Columns` kernel columns without dilation or multiplier: inputs that neighbours share are
/// loaded once.
template <std::size_t Pixels, std::size_t Columns, std::size_t Stride>
void depthwise_run(const windowed& g, const region& r, const float* in, const float* weights,
                   const float* bias, float* out) {
  constexpr std::size_t reach = (Pixels - 1) * Stride + Columns;
  const std::size_t channels = g.out.channels, in_step = g.in.pixel_stride;
  const limits l = limits_of(g.act);
  for_each_chunk(channels, [&](std::size_t c, std::size_t count) {
    simd::batch sum[Pixels];
    const simd::batch start = bias != nullptr ? load_chunk(bias + c, count) : simd::broadcast(0.0f);
#pragma GCC unroll 4
    for (std::size_t p = 0; p < Pixels; ++p) sum[p] = start;
    const float *x = in + c, *w = weights + c;
    for (std::size_t i = 0; i < r.kernel_rows.size(); ++i) {
      simd::batch input[reach], weight[Columns];
#pragma GCC unroll 16
      for (std::size_t k = 0; k < reach; ++k) input[k] = load_chunk(x + k * in_step, count);
#pragma GCC unroll 4
      for (std::size_t j = 0; j < Columns; ++j) weight[j] = simd::load(w + j * channels);
#pragma GCC unroll 4
      for (std::size_t j = 0; j < Columns; ++j)
#pragma GCC unroll 4
        for (std::size_t p = 0; p < Pixels; ++p)
          sum[p] = simd::multiply_add(input[p * Stride + j], weight[j], sum[p]);
      x += g.dilation_height * g.in.row_stride();
      w += g.kernel_width * channels;
    }
#pragma GCC unroll 4
    for (std::size_t p = 0; p < Pixels; ++p)
      store_chunk(out + p * g.out.pixel_stride + c, limited(l, sum[p]), count);
  });
}

using depthwise_function = void (*)(const windowed&, const region&, const float*, const float*, const float*,
                                    float*);

/// One to four neighbouring outputs of a region.
struct depthwise_tiles {
  depthwise_function of[4];
};

inline depthwise_tiles depthwise_tiles_of(const windowed& g, const region& r) {
  const std::size_t columns = r.kernel_columns.size();
  const bool is_plain = g.dilation_width == 1 && g.out.channels == g.in.channels && r.sees_input();
  if (is_plain && columns == 3 && g.stride_width == 1)
    return {
        {&depthwise_run<1, 3, 1>, &depthwise_run<2, 3, 1>, &depthwise_run<3, 3, 1>, &depthwise_run<4, 3, 1>}};
  if (is_plain && columns == 3 && g.stride_width == 2)
    return {
        {&depthwise_run<1, 3, 1>, &depthwise_run<2, 3, 2>, &depthwise_run<3, 3, 2>, &depthwise_run<4, 3, 2>}};
  depthwise_tiles any{{&depthwise_tile<1>, &depthwise_tile<2>, &depthwise_tile<3>, &depthwise_tile<4>}};
  if (is_plain && columns == 2) any.of[0] = &depthwise_run<1, 2, 1>;  // at the left and right border
  return any;
}

}  // namespace detail

inline void depthwise(const windowed& g, const float* in, const float* packed, const float* bias,
                      float* out) {
  constexpr std::size_t width = 4;
  for_each_region(g, [&](const region& r) {
    const detail::depthwise_tiles tiles = detail::depthwise_tiles_of(g, r);
    const float* weights =
        packed + (r.kernel_rows.begin * g.kernel_width + r.kernel_columns.begin) * g.out.channels;
    const std::size_t next_row = r.sees_input() ? g.stride_height * g.in.row_stride() : 0;
    const std::size_t next_column = r.sees_input() ? g.stride_width * g.in.pixel_stride : 0;
    for (std::size_t y = 0; y < r.rows.size(); ++y) {
      const float* from = in + input_offset(g, r) + y * next_row;
      float* to = out + output_offset(g, r) + y * g.out.row_stride();
      std::size_t pixels = r.columns.size();
      // Equal shares: 5 pixels are 3 + 2.
      for (std::size_t share = (pixels + width - 1) / width; share > 0; --share) {
        const std::size_t count = (pixels + share - 1) / share;
        tiles.of[count - 1](g, r, from, weights, bias, to);
        pixels -= count;
        from += count * next_column;
        to += count * g.out.pixel_stride;
      }
      activate_limited(g.act, {1, r.columns.size(), g.out.channels, g.out.pixel_stride},
                       to - r.columns.size() * g.out.pixel_stride);
    }
  });
}

}  // namespace iop::kernel
