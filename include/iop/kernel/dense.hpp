// SPDX-License-Identifier: MIT
#pragma once

// Dense layers: every weight is used once, so reading them is what takes the time. A block of weights feeds
// few chains of additions, which wait for each other; two blocks side by side keep the core reading. The
// order of the additions is that of tile.hpp, or of taps.hpp if `is_by_taps`.

#include <iop/kernel/activation.hpp>
#include <iop/kernel/geometry.hpp>
#include <iop/kernel/simd.hpp>
#include <iop/kernel/taps.hpp>
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

/// Output channels from `first` on that fill `All` registers, the last of which may be partial: of one block
/// or of two.
template <std::size_t All>
void dense_tile(const windowed& g, std::size_t first, const float* in, const float* packed, const float* bias,
                float* out) {
  using simd::batch, simd::lanes;
  const std::size_t pieces = is_by_taps(g) ? g.in.height * g.in.width : 1;
  const std::size_t taps = g.in.height * g.in.width * g.in.channels, length = taps / pieces;
  const std::size_t channels = std::min(All * lanes, g.out.channels - first);
  const std::size_t width = std::min(channels, block_channels), next_width = channels - width;
  float start[All * lanes] = {};
  if (bias != nullptr) std::copy_n(bias + first, channels, start);
  batch sum[All];
#pragma GCC unroll 8
  for (std::size_t v = 0; v < All; ++v) sum[v] = simd::load(start + v * lanes);
  const float *w = packed + first * taps, *next = w + taps * width;
  for (std::size_t piece = 0; piece < pieces; ++piece, in += length) {
    batch before[All];
#pragma GCC unroll 8
    for (std::size_t v = 0; v < All; ++v) {
      before[v] = sum[v];
      if (pieces > 1) sum[v] = simd::broadcast(0.0f);
    }
    for (std::size_t i = 0; i < length; ++i, w += width, next += next_width) {
      const batch x = simd::broadcast(in[i]);
#pragma GCC unroll 8
      for (std::size_t v = 0; v < All; ++v)
        sum[v] = simd::multiply_add(
            x, simd::load(v < tile_vectors ? w + v * lanes : next + (v - tile_vectors) * lanes), sum[v]);
    }
    if (pieces > 1)
#pragma GCC unroll 8
      for (std::size_t v = 0; v < All; ++v) sum[v] = before[v] + sum[v];
  }
  const limits l = limits_of(g.act);
#pragma GCC unroll 8
  for (std::size_t v = 0; v < All; ++v) simd::store(start + v * lanes, limited(l, sum[v]));
  std::copy_n(start, channels, out + first);
}

}  // namespace detail

/// conv2d of an operator that is dense.
inline void dense(const windowed& g, const float* in, const float* packed, const float* bias, float* out) {
  constexpr std::size_t most = 2 * tile_vectors;
  static constexpr auto tiles = []<std::size_t... V>(std::index_sequence<V...>) {
    struct {
      void (*of[most])(const windowed&, std::size_t, const float*, const float*, const float*, float*);
    } all{{&detail::dense_tile<V + 1>...}};
    return all;
  }
  (std::make_index_sequence<most>{});
  for (std::size_t first = 0; first < g.out.channels; first += most * simd::lanes) {
    const std::size_t channels = std::min(most * simd::lanes, g.out.channels - first);
    tiles.of[(channels - 1) / simd::lanes](g, first, in, packed, bias, out);
  }
  activate_limited(g.act, {1, 1, g.out.channels, g.out.channels}, out);
}

}  // namespace iop::kernel
