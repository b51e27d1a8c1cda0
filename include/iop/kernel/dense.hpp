// SPDX-License-Identifier: MIT
#pragma once

// Dense layers: every weight is used once, so reading them is what takes the time. A block of weights feeds
// few chains of additions, which wait for each other; two blocks side by side keep the core reading. Each
// chain is that of tile.hpp.

#include <iop/kernel/activation.hpp>
#include <iop/kernel/geometry.hpp>
#include <iop/kernel/simd.hpp>
#include <iop/kernel/tile.hpp>

#include <algorithm>
#include <cstddef>
#include <utility>

namespace iop::kernel {

/// One output pixel that sees the whole input, whose floats are neighbours.
constexpr bool is_dense(const windowed& g) {
  return g.groups == 1 && g.out.height * g.out.width == 1 && g.top == 0 && g.left == 0 &&
         g.kernel_height == g.in.height && g.kernel_width == g.in.width && g.dilation_height == 1 &&
         g.dilation_width == 1 && (g.in.pixel_stride == g.in.channels || g.in.height * g.in.width == 1);
}

namespace detail {

/// A full block of output channels and one behind it of `Vectors` registers, the last of which may be
/// partial.
template <std::size_t Vectors>
void dense_tile(const windowed& g, std::size_t first, const float* in, const float* packed, const float* bias,
                float* out) {
  using simd::batch, simd::lanes;
  constexpr std::size_t all = tile_vectors + Vectors;
  const std::size_t taps = g.in.height * g.in.width * g.in.channels;
  const std::size_t channels = std::min(all * lanes, g.out.channels - first);
  const std::size_t width = channels - block_channels;  // of the second block
  float start[all * lanes] = {};
  if (bias != nullptr) std::copy_n(bias + first, channels, start);
  batch sum[all];
#pragma GCC unroll 8
  for (std::size_t v = 0; v < all; ++v) sum[v] = simd::load(start + v * lanes);
  const float *w = packed + first * taps, *next = w + taps * block_channels;
  for (std::size_t i = 0; i < taps; ++i, w += block_channels, next += width) {
    const batch x = simd::broadcast(in[i]);
#pragma GCC unroll 8
    for (std::size_t v = 0; v < all; ++v)
      sum[v] = simd::multiply_add(
          x, simd::load(v < tile_vectors ? w + v * lanes : next + (v - tile_vectors) * lanes), sum[v]);
  }
  const limits l = limits_of(g.act);
#pragma GCC unroll 8
  for (std::size_t v = 0; v < all; ++v) simd::store(start + v * lanes, limited(l, sum[v]));
  std::copy_n(start, channels, out + first);
}

}  // namespace detail

/// conv2d of an operator that is dense, but for the last block if the number of blocks is odd. Returns the
/// channels done.
inline std::size_t dense(const windowed& g, const float* in, const float* packed, const float* bias,
                         float* out) {
  static constexpr auto tiles = []<std::size_t... V>(std::index_sequence<V...>) {
    struct {
      void (*of[tile_vectors])(const windowed&, std::size_t, const float*, const float*, const float*,
                               float*);
    } all{{&detail::dense_tile<V + 1>...}};
    return all;
  }
  (std::make_index_sequence<tile_vectors>{});
  std::size_t first = 0;
  for (; first + block_channels < g.out.channels; first += 2 * block_channels) {
    const std::size_t second = std::min(block_channels, g.out.channels - first - block_channels);
    tiles.of[(second - 1) / simd::lanes](g, first, in, packed, bias, out);
  }
  return std::min(first, g.out.channels);
}

}  // namespace iop::kernel
