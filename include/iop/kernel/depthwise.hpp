// SPDX-License-Identifier: MIT
#pragma once

// Depthwise convolution: output channel o sees only input channel o / multiplier. Lanes are channels and
// weights are packed [kernel row][kernel column][channel]. Each output is one chain: bias, + x·w in ascending
// order of taps. Taps in the padding are left out or add zeros, which changes no sum (but for the sign of a
// zero).

#include <iop/core/range.hpp>
#include <iop/kernel/activation.hpp>
#include <iop/kernel/chunk.hpp>
#include <iop/kernel/geometry.hpp>
#include <iop/kernel/region.hpp>
#include <iop/kernel/simd.hpp>

#include <algorithm>
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

/// True for 3 × 3 kernels on an image that is not empty, whose windows leave it by one column at most.
constexpr bool is_depthwise_3x3(const windowed& g) {
  return g.kernel_height == 3 && g.kernel_width == 3 && g.dilation_height == 1 && g.dilation_width == 1 &&
         (g.stride_width == 1 || g.stride_width == 2) && g.out.channels == g.in.channels &&
         g.out.channels >= simd::lanes && g.out.width > 0 && g.in.height > 0 && g.left >= -1 &&
         horizontal(g).position(g.out.width - 1, 2) <= static_cast<std::ptrdiff_t>(g.in.width);
}

/// Neighbouring outputs of one or two rows.
struct depthwise_spot {
  const float* in = nullptr;  ///< under the first tap, be it in the padding
  range rows{};               ///< of the input, from there on, that exist
  bool is_left = false;       ///< the column under the first tap is padding
  bool is_right = false;      ///< so is that under the last
  float* out = nullptr;
};

/// A register of channels. One input after the other is added to all that see it: a register holds it, and
/// not all of a row.
template <std::size_t Stride, std::size_t Rows, std::size_t Pixels>
[[gnu::always_inline]] inline void depthwise_3x3_tile(const windowed& g, const depthwise_spot& at,
                                                      const float* weights, const simd::batch& start,
                                                      const limits& l) {
  using simd::batch;
  constexpr std::size_t reach = (Pixels - 1) * Stride + 3, in_rows = (Rows - 1) * Stride + 3;
  constexpr auto sees = [](std::size_t r, std::size_t i) { return i >= r * Stride && i < r * Stride + 3; };
  const std::size_t in_step = g.in.pixel_stride, channels = g.out.channels;
  batch sum[Rows][Pixels];
#pragma GCC unroll 2
  for (std::size_t r = 0; r < Rows; ++r)
#pragma GCC unroll 8
    for (std::size_t p = 0; p < Pixels; ++p) sum[r][p] = start;
#pragma GCC unroll 5
  for (std::size_t i = 0; i < in_rows; ++i) {
    if (i < at.rows.begin || i >= at.rows.end) continue;
    const float* column = at.in + i * g.in.row_stride();
    batch weight[Rows][3];
#pragma GCC unroll 2
    for (std::size_t r = 0; r < Rows; ++r)
      if (sees(r, i))
#pragma GCC unroll 3
        for (std::size_t j = 0; j < 3; ++j) {
          weight[r][j] = simd::load(weights + (3 * (i - r * Stride) + j) * channels);
          simd::keep(weight[r][j]);
        }
#pragma GCC unroll 20
    for (std::size_t k = 0; k < reach; ++k) {
      if (k > 0 && k % 4 == 0) column = simd::opaque(column + 4 * in_step);
      const bool is_padding = (k == 0 && at.is_left) || (k + 1 == reach && at.is_right);
      batch input = is_padding ? simd::broadcast(0.0f) : simd::load(column + k % 4 * in_step);
      simd::keep(input);
#pragma GCC unroll 3
      for (std::size_t j = 0; j < 3; ++j) {
        if (k < j || (k - j) % Stride != 0 || (k - j) / Stride >= Pixels) continue;
#pragma GCC unroll 2
        for (std::size_t r = 0; r < Rows; ++r)
          if (sees(r, i)) {
            batch& all = sum[r][(k - j) / Stride];
            all = simd::multiply_add(input, weight[r][j], all);
          }
      }
    }
  }
  const std::size_t out_step = g.out.pixel_stride;
  float* out[2] = {at.out, at.out + g.out.row_stride()};
#pragma GCC unroll 2
  for (std::size_t r = 0; r < Rows; ++r)
#pragma GCC unroll 8
    for (std::size_t p = 0; p < Pixels; ++p, out[r] += out_step) simd::store(out[r], limited(l, sum[r][p]));
}

/// All channels: neighbours in memory, so that they come and go in long streams.
template <std::size_t Stride, std::size_t Rows, std::size_t Pixels>
void depthwise_3x3_pixels(const windowed& g, const depthwise_spot& pixels, const float* weights,
                          const float* bias) {
  const limits l = limits_of(g.act);
  for_each_chunk(g.out.channels, [&](std::size_t c, std::size_t) {
    depthwise_spot at = pixels;
    at.in += c;
    at.out += c;
    const simd::batch start = bias != nullptr ? simd::load(bias + c) : simd::broadcast(0.0f);
    depthwise_3x3_tile<Stride, Rows, Pixels>(g, at, weights + c, start, l);
  });
}

/// `Rows` rows of outputs from row `y` on.
template <std::size_t Stride, std::size_t Rows>
void depthwise_3x3_rows(const windowed& g, std::size_t y, const float* in, const float* weights,
                        const float* bias, float* out) {
  static constexpr auto tiles = []<std::size_t... P>(std::index_sequence<P...>) {
    struct {
      void (*of[depthwise_pixels])(const windowed&, const depthwise_spot&, const float*, const float*);
    } all{{&depthwise_3x3_pixels<Stride, Rows, P + 1>...}};
    return all;
  }
  (std::make_index_sequence<depthwise_pixels>{});

  const std::ptrdiff_t top = vertical(g).position(y, 0);
  const std::ptrdiff_t behind = std::max<std::ptrdiff_t>(static_cast<std::ptrdiff_t>(g.in.height) - top, 0);
  depthwise_spot at;
  at.in = in + (top * static_cast<std::ptrdiff_t>(g.in.width) + g.left) *
                   static_cast<std::ptrdiff_t>(g.in.pixel_stride);
  at.rows = {top < 0 ? static_cast<std::size_t>(-top) : 0, static_cast<std::size_t>(behind)};
  at.out = out + y * g.out.row_stride();
  at.is_left = g.left < 0;
  const bool has_right =
      horizontal(g).position(g.out.width - 1, 2) == static_cast<std::ptrdiff_t>(g.in.width);
  std::size_t pixels = g.out.width;
  // Equal shares: 9 pixels are 5 + 4.
  for (std::size_t share = (pixels + depthwise_pixels - 1) / depthwise_pixels; share > 0; --share) {
    const std::size_t count = (pixels + share - 1) / share;
    at.is_right = has_right && share == 1;
    tiles.of[count - 1](g, at, weights, bias);
    at.in += count * Stride * g.in.pixel_stride;
    at.out += count * g.out.pixel_stride;
    at.is_left = false;
    pixels -= count;
  }
}

/// Two rows of outputs share inputs, and are enough sums not to wait for each other.
template <std::size_t Stride>
void depthwise_3x3(const windowed& g, const float* in, const float* packed, const float* bias, float* out) {
  for (std::size_t y = 0; y < g.out.height;) {
    if (g.stride_height == Stride && y + 1 < g.out.height) {
      depthwise_3x3_rows<Stride, 2>(g, y, in, packed, bias, out);
      y += 2;
    } else {
      depthwise_3x3_rows<Stride, 1>(g, y, in, packed, bias, out);
      y += 1;
    }
  }
}

}  // namespace detail

inline void depthwise(const windowed& g, const float* in, const float* packed, const float* bias,
                      float* out) {
  if (detail::is_depthwise_3x3(g)) {
    if (g.stride_width == 1)
      detail::depthwise_3x3<1>(g, in, packed, bias, out);
    else
      detail::depthwise_3x3<2>(g, in, packed, bias, out);
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
