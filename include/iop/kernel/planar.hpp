// SPDX-License-Identifier: MIT
#pragma once

// Convolution of an image of one channel to a few: lanes are neighbouring pixels instead of output channels,
// which would leave most of a wide register idle. A band of the image is copied first, with its padding, so
// that all tiles are alike. The chains of additions are those of tile.hpp, bit for bit: what the taps in the
// padding add is zero, which changes no sum (but for the sign of a zero).

#include <iop/kernel/activation.hpp>
#include <iop/kernel/geometry.hpp>
#include <iop/kernel/region.hpp>
#include <iop/kernel/simd.hpp>
#include <iop/kernel/transpose.hpp>

#include <algorithm>
#include <cstddef>
#include <utility>

namespace iop::kernel {

/// Output channels whose sums stay in registers together, of two rows.
inline constexpr std::size_t planar_channels = 6;

/// Floats of the padded band: a part of the first cache.
inline constexpr std::size_t planar_band = 4096;

namespace detail {

/// Columns and rows of the image that a number of output columns or rows look at.
constexpr std::size_t planar_columns(const windowed& g) {
  return g.out.width + (g.kernel_width - 1) * g.dilation_width;
}
constexpr std::size_t planar_rows(const windowed& g, std::size_t count) {
  return (count - 1) * g.stride_height + (g.kernel_height - 1) * g.dilation_height + 1;
}

}  // namespace detail

/// True when lanes of output channels would be idle by half, or by a quarter and all sums stay in registers,
/// a row fills lanes of pixels, and two rows fit.
constexpr bool is_planar(const windowed& g) {
  constexpr std::size_t most = std::max(simd::lanes / 2, std::min(planar_channels, simd::lanes / 4 * 3));
  return g.groups == 1 && g.in.channels == 1 && g.in.pixel_stride == 1 && g.stride_width == 1 &&
         g.out.channels <= most && g.out.width >= simd::lanes &&
         detail::planar_columns(g) * detail::planar_rows(g, 2) <= planar_band;
}

namespace detail {

/// `lanes` neighbouring outputs of each of `Rows` rows, stored as pixels of `to`: all of them, or the largest
/// of each 2 × 2.
template <std::size_t Channels, std::size_t Rows, bool Pooled>
void planar_tile(const windowed& g, const extents& to, const float* in, const float* weights,
                 const float* start, float* out) {
  using simd::batch;
  const std::size_t width = planar_columns(g), next_row = g.stride_height * width;
  batch sum[Rows][Channels];
#pragma GCC unroll 2
  for (std::size_t r = 0; r < Rows; ++r)
#pragma GCC unroll 8
    for (std::size_t c = 0; c < Channels; ++c) sum[r][c] = simd::broadcast(start[c]);
  for (std::size_t i = 0; i < g.kernel_height; ++i, in += g.dilation_height * width) {
    const float* x = in;
    for (std::size_t j = 0; j < g.kernel_width; ++j, x += g.dilation_width, weights += g.out.channels) {
      batch input[Rows];
#pragma GCC unroll 2
      for (std::size_t r = 0; r < Rows; ++r) input[r] = simd::load(x + r * next_row);
#pragma GCC unroll 8
      for (std::size_t c = 0; c < Channels; ++c) {
        const batch w = simd::broadcast(weights[c]);
#pragma GCC unroll 2
        for (std::size_t r = 0; r < Rows; ++r) sum[r][c] = simd::multiply_add(input[r], w, sum[r][c]);
      }
    }
  }
  const limits l = limits_of(g.act);
#pragma GCC unroll 2
  for (std::size_t r = 0; r < Rows; ++r)
#pragma GCC unroll 8
    for (std::size_t c = 0; c < Channels; ++c) sum[r][c] = limited(l, sum[r][c]);
  if constexpr (Pooled) {
#pragma GCC unroll 8
    for (std::size_t c = 0; c < Channels; ++c) sum[0][c] = max_of_pairs(simd::max(sum[0][c], sum[1][c]));
    store_pixels<simd::lanes / 2>(sum[0], out, to.pixel_stride);
  } else {
#pragma GCC unroll 2
    for (std::size_t r = 0; r < Rows; ++r) store_pixels(sum[r], out + r * to.row_stride(), to.pixel_stride);
  }
}

/// `rows` rows of `to`, for output channels from the first of `weights`, `start` and `out` on.
template <std::size_t Channels, bool Pooled>
void planar_block(const windowed& g, const extents& to, std::size_t rows, const float* band,
                  const float* weights, const float* start, float* out) {
  constexpr std::size_t pool = Pooled ? 2 : 1, together = 2 / pool;  // rows of `to` in a tile
  const std::size_t width = pool * to.width;
  for (std::size_t y = 0; y < rows; y += together, out += together * to.row_stride()) {
    const float* in = band + y * pool * g.stride_height * planar_columns(g);
    const auto tile =
        y + together <= rows ? &planar_tile<Channels, 2, Pooled> : &planar_tile<Channels, pool, Pooled>;
    for (std::size_t x = 0; x < width; x += simd::lanes) {
      const std::size_t at = std::min(x, width - simd::lanes);  // the last lanes again, if it must be
      tile(g, to, in + at, weights, start, out + at / pool * to.pixel_stride);
    }
  }
}

/// The rows of the image from `first` on that `rows` output rows look at, zeros around it. Writes up to a
/// register more.
inline void copy_band(const windowed& g, std::ptrdiff_t first, std::size_t rows, const float* in,
                      float* band) {
  const std::size_t width = planar_columns(g), count = planar_rows(g, rows);
  const auto height = static_cast<std::ptrdiff_t>(g.in.height);
  for (std::size_t i = 0; i < count; ++i, band += width) {
    const std::ptrdiff_t row = first + static_cast<std::ptrdiff_t>(i);
    const bool is_inside = 0 <= row && row < height;
    const float* from = is_inside ? in + static_cast<std::size_t>(row) * g.in.width : in;
    for (std::size_t x = 0; x < width; x += simd::lanes)
      simd::store(band + x, simd::load_clipped(from, g.left + static_cast<std::ptrdiff_t>(x),
                                               is_inside ? g.in.width : 0));
  }
}

/// The output rows whose input fits into the band.
constexpr std::size_t planar_most_rows(const windowed& g) {
  std::size_t most = 2;
  while (most < g.out.height && planar_columns(g) * planar_rows(g, most + 2) <= planar_band) most += 2;
  return most;
}

template <bool Pooled>
void planar_into(const windowed& g, const extents& to, const float* in, const float* packed,
                 const float* bias, float* out) {
  static constexpr auto blocks = []<std::size_t... C>(std::index_sequence<C...>) {
    struct {
      void (*of[planar_channels])(const windowed&, const extents&, std::size_t, const float*, const float*,
                                  const float*, float*);
    } all{{&planar_block<C + 1, Pooled>...}};
    return all;
  }
  (std::make_index_sequence<planar_channels>{});

  constexpr std::size_t pool = Pooled ? 2 : 1;
  float start[simd::lanes] = {}, band[planar_band + simd::lanes];
  if (bias != nullptr) std::copy_n(bias, g.out.channels, start);
  const std::size_t most = planar_most_rows(g) / pool;
  for (std::size_t y = 0; y < to.height; y += most) {
    const std::size_t rows = std::min(most, to.height - y);
    copy_band(g, vertical(g).position(y * pool, 0), rows * pool, in, band);
    for (std::size_t c = 0; c < g.out.channels; c += planar_channels)
      blocks.of[std::min(planar_channels, g.out.channels - c) - 1](g, to, rows, band, packed + c, start + c,
                                                                   out + y * to.row_stride() + c);
  }
}

}  // namespace detail

/// conv2d of an operator that is planar.
inline void planar(const windowed& g, const float* in, const float* packed, const float* bias, float* out) {
  detail::planar_into<false>(g, g.out, in, packed, bias, out);
  activate_limited(g.act, g.out, out);
}

/// True when `pool`, a max_pool of what `g` makes, can be done in its registers. The whole image fits into
/// the band then, so that it may lie where the result is written.
constexpr bool is_planar_pooled(const windowed& g, const windowed& pool) {
  return simd::lanes >= 8 && is_planar(g) && g.act.curve == nullptr &&
         detail::planar_most_rows(g) >= g.out.height && pool.kernel_height == 2 && pool.kernel_width == 2 &&
         pool.stride_height == 2 && pool.stride_width == 2 && pool.dilation_height == 1 &&
         pool.dilation_width == 1 && pool.top == 0 && pool.left == 0 && 2 * pool.out.height <= g.out.height &&
         2 * pool.out.width <= g.out.width && 2 * pool.out.width >= simd::lanes &&
         pool.in.height == g.out.height && pool.in.width == g.out.width &&
         pool.in.channels == g.out.channels && pool.out.channels == g.out.channels;
}

/// conv2d and then max_pool, the bits of both.
inline void planar_pooled(const windowed& g, const windowed& pool, const float* in, const float* packed,
                          const float* bias, float* out) {
  if constexpr (simd::lanes >= 8) detail::planar_into<true>(g, pool.out, in, packed, bias, out);
  activate(pool.act, pool.out, out);
}

}  // namespace iop::kernel
