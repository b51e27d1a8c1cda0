// SPDX-License-Identifier: MIT
#pragma once

// Depthwise convolution: output channel o sees only input channel o / multiplier. Lanes are channels and
// weights are packed [kernel row][kernel column][channel]. Each output is one chain: bias, + x·w in ascending
// order of taps. Taps in the padding are left out or add zeros, which changes no sum (but for the sign of a
// zero).

#include <iop/kernel/activation.hpp>
#include <iop/kernel/chunk.hpp>
#include <iop/kernel/geometry.hpp>
#include <iop/kernel/region.hpp>
#include <iop/kernel/simd.hpp>

#include <cstddef>
#include <utility>

namespace iop::kernel {

/// True when every output channel sees exactly one input channel, one of several.
constexpr bool is_depthwise(const windowed& g) { return g.groups > 1 && g.in.channels == g.groups; }

/// Neighbouring outputs whose sums stay in registers together: enough that none waits for its own additions.
inline constexpr std::size_t depthwise_pixels = simd::registers >= 32 ? 8 : 4;

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

/// True for kernels of three columns that `depthwise_row` can do: what is outside of the image is one column
/// at most, on either side.
constexpr bool has_depthwise_rows(const windowed& g) {
  const std::size_t last = (g.out.width - 1) * g.stride_width + 2;  // under the last tap, from `left` on
  return g.kernel_width == 3 && g.dilation_width == 1 && (g.stride_width == 1 || g.stride_width == 2) &&
         g.out.channels == g.in.channels && g.out.channels >= simd::lanes && g.out.width > 0 &&
         g.in.height > 0 && g.left >= -1 &&
         g.left + static_cast<std::ptrdiff_t>(last) <= static_cast<std::ptrdiff_t>(g.in.width);
}

/// A row of outputs, one register of channels.
struct depthwise_run {
  std::size_t pixels = 0;
  std::size_t kernel_rows = 0;
  bool is_left = false;            ///< the column under the first tap is padding
  bool is_right = false;           ///< so is that under the last
  const float* in = nullptr;       ///< under the first tap
  const float* weights = nullptr;  ///< of the first tap
  float* out = nullptr;
};

template <std::size_t Stride>
void depthwise_row(const windowed& g, depthwise_run r, const simd::batch& start) {
  using simd::batch;
  constexpr std::size_t most = depthwise_pixels;
  const std::size_t in_step = g.in.pixel_stride, in_row = g.dilation_height * g.in.row_stride();
  const std::size_t out_step = g.out.pixel_stride, channels = g.out.channels, kernel_rows = r.kernel_rows;
  const limits l = limits_of(g.act);
  const float *in = r.in, *weights = r.weights;
  float* out = r.out;
  std::size_t pixels = r.pixels;
  bool is_left = r.is_left;
  const auto tile = [&]<std::size_t Pixels>(std::integral_constant<std::size_t, Pixels>) {
    constexpr std::size_t reach = (Pixels - 1) * Stride + 3;
    const bool is_right = r.is_right && pixels == Pixels;
    batch sum[Pixels];
#pragma GCC unroll 8
    for (std::size_t p = 0; p < Pixels; ++p) sum[p] = start;
    const float *x = in, *w = weights;
    for (std::size_t i = 0; i < kernel_rows; ++i, x += in_row, w += 3 * channels) {
      batch input[reach];
      const float* column = x;
#pragma GCC unroll 20
      for (std::size_t k = 0; k < reach; ++k) {
        if (k > 0 && k % 4 == 0) column = simd::opaque(column + 4 * in_step);
        const bool is_padding = (k == 0 && is_left) || (k + 1 == reach && is_right);
        input[k] = is_padding ? simd::broadcast(0.0f) : simd::load(column + k % 4 * in_step);
        simd::keep(input[k]);
      }
#pragma GCC unroll 4
      for (std::size_t j = 0; j < 3; ++j) {
        const batch weight = simd::load(w + j * channels);
#pragma GCC unroll 8
        for (std::size_t p = 0; p < Pixels; ++p)
          sum[p] = simd::multiply_add(input[p * Stride + j], weight, sum[p]);
      }
    }
#pragma GCC unroll 8
    for (std::size_t p = 0; p < Pixels; ++p) simd::store(out + p * out_step, limited(l, sum[p]));
    in += Pixels * Stride * in_step;
    out += Pixels * out_step;
    pixels -= Pixels;
    is_left = false;
  };
  const auto tile_of = [&]<std::size_t... P>(std::size_t count, std::index_sequence<P...>) {
    (void)((count == P + 1 && (tile(std::integral_constant<std::size_t, P + 1>{}), true)) || ...);
  };
  while (pixels >= 2 * most) tile(std::integral_constant<std::size_t, most>{});
  // Equal shares: 9 pixels are 5 + 4.
  for (std::size_t share = (pixels + most - 1) / most; share > 0; --share)
    tile_of((pixels + share - 1) / share, std::make_index_sequence<most>{});
}

/// A register of channels at a time: the rows of it that three kernel rows look at stay in the first cache.
template <std::size_t Stride>
void depthwise_rows(const windowed& g, const float* in, const float* packed, const float* bias, float* out) {
  const axis down = vertical(g), across = horizontal(g);
  const auto width = static_cast<std::ptrdiff_t>(g.in.width);
  depthwise_run run;
  run.pixels = g.out.width;
  run.is_left = g.left < 0;
  run.is_right = across.position(g.out.width - 1, 2) == width;
  for_each_chunk(g.out.channels, [&](std::size_t c, std::size_t) {
    const simd::batch start = bias != nullptr ? simd::load(bias + c) : simd::broadcast(0.0f);
    for (std::size_t y = 0; y < g.out.height; ++y) {
      const range taps = down.taps(y);
      const std::ptrdiff_t row = taps.empty() ? 0 : down.position(y, taps.begin);
      run.kernel_rows = taps.size();
      run.in = in + (row * width + g.left) * static_cast<std::ptrdiff_t>(g.in.pixel_stride) +
               static_cast<std::ptrdiff_t>(c);
      run.weights = packed + taps.begin * 3 * g.out.channels + c;
      run.out = out + y * g.out.row_stride() + c;
      depthwise_row<Stride>(g, run, start);
    }
  });
}

}  // namespace detail

inline void depthwise(const windowed& g, const float* in, const float* packed, const float* bias,
                      float* out) {
  if (detail::has_depthwise_rows(g)) {
    if (g.stride_width == 1)
      detail::depthwise_rows<1>(g, in, packed, bias, out);
    else
      detail::depthwise_rows<2>(g, in, packed, bias, out);
    return activate_limited(g.act, g.out, out);
  }
  for_each_region(g, [&](const region& r) {
    const float* weights =
        packed + (r.kernel_rows.begin * g.kernel_width + r.kernel_columns.begin) * g.out.channels;
    const std::size_t next_row = r.sees_input() ? g.stride_height * g.in.row_stride() : 0;
    const std::size_t next_column = r.sees_input() ? g.stride_width * g.in.pixel_stride : 0;
    for (std::size_t y = 0; y < r.rows.size(); ++y) {
      const float* from = in + input_offset(g, r) + y * next_row;
      float* to = out + output_offset(g, r) + y * g.out.row_stride();
      std::size_t pixels = r.columns.size();
      for (; pixels >= 4; pixels -= 4, from += 4 * next_column, to += 4 * g.out.pixel_stride)
        detail::depthwise_tile<4>(g, r, from, weights, bias, to);
      for (; pixels > 0; --pixels, from += next_column, to += g.out.pixel_stride)
        detail::depthwise_tile<1>(g, r, from, weights, bias, to);
    }
  });
  activate_limited(g.act, g.out, out);
}

}  // namespace iop::kernel
