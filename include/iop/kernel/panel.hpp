// SPDX-License-Identifier: MIT
#pragma once

// out(pixel, c) = Σ in(pixel, i) · panel(i, c), one small matrix product: what is left of a convolution when
// one tap at a time is taken for all pixels, or one point of Winograd's at a time for all tiles. A panel is
// small enough for the second-level cache, and while all pixels go through one the next is fetched: weights
// come from memory once, in one long stream, behind the arithmetic. Each sum is one chain of fused
// multiply-adds from zero in ascending order; sums of several panels are added one to the other.

#include <iop/kernel/simd.hpp>
#include <iop/kernel/tile.hpp>

#include <algorithm>
#include <cstddef>
#include <utility>

namespace iop::kernel {

/// Pixels in rows and columns. Steps are in floats.
struct pixel_grid {
  std::size_t rows = 1;
  std::size_t columns = 0;
  std::size_t in_row = 0;      ///< from row to row of the input
  std::size_t in_column = 0;   ///< from column to column of the input
  std::size_t out_row = 0;     ///< from row to row of the output
  std::size_t out_column = 0;  ///< from column to column of the output
};

/// Bytes from weights in use to those that are fetched meanwhile, where each is used once: what a memory
/// sends in some 400 ns, at 30 GB/s.
inline constexpr std::size_t panel_stream_ahead = std::size_t{12} << 10;

struct panel_job {
  std::size_t run = 0;             ///< inputs of a pixel
  std::size_t channels = 0;        ///< outputs of a pixel, at most block_channels
  bool add = false;                ///< to what `out` holds
  const float* weights = nullptr;  ///< run × channels, and readable for one vector more
  const float* next = nullptr;     ///< the panel to fetch meanwhile, of the same size
};

namespace detail {

/// `ahead` and its step, in bytes, are for fetching alone: three lines per step, which is some of them twice,
/// because a busy core drops hints.
template <std::size_t Pixels, std::size_t Vectors>
void panel_tile(const panel_job& job, const char* ahead, std::size_t ahead_step, const float* const* in,
                float* const* out) {
  using simd::batch, simd::lanes;
  const float* x[Pixels];
#pragma GCC unroll 8
  for (std::size_t p = 0; p < Pixels; ++p) x[p] = in[p];
  const std::size_t width = job.channels, run = job.run;
  const std::size_t last = width - (Vectors - 1) * lanes;  // lanes of the last vector that are outputs
  batch sum[Pixels][Vectors];
#pragma GCC unroll 8
  for (std::size_t p = 0; p < Pixels; ++p)
#pragma GCC unroll 4
    for (std::size_t v = 0; v < Vectors; ++v) sum[p][v] = simd::broadcast(0.0f);

  const float* weights = job.weights;
  for (std::size_t i = 0; i < run; ++i, weights += width, ahead += ahead_step) {
    simd::prefetch_far(ahead);
    simd::prefetch_far(ahead + 64);
    simd::prefetch_far(ahead + 128);
    batch w[Vectors];
#pragma GCC unroll 4
    for (std::size_t v = 0; v < Vectors; ++v) {
      w[v] = simd::load(weights + v * lanes);
      simd::keep(w[v]);
    }
#pragma GCC unroll 8
    for (std::size_t p = 0; p < Pixels; ++p) {
      const batch input = simd::broadcast(x[p][i]);
#pragma GCC unroll 4
      for (std::size_t v = 0; v < Vectors; ++v) sum[p][v] = simd::multiply_add(input, w[v], sum[p][v]);
    }
  }

  if (job.add) {
#pragma GCC unroll 8
    for (std::size_t p = 0; p < Pixels; ++p) {
#pragma GCC unroll 4
      for (std::size_t v = 0; v + 1 < Vectors; ++v) sum[p][v] = simd::load(out[p] + v * lanes) + sum[p][v];
      const float* tail = out[p] + (Vectors - 1) * lanes;
      sum[p][Vectors - 1] =
          (last == lanes ? simd::load(tail) : simd::load_first(tail, last)) + sum[p][Vectors - 1];
    }
  }
#pragma GCC unroll 8
  for (std::size_t p = 0; p < Pixels; ++p) {
#pragma GCC unroll 4
    for (std::size_t v = 0; v + 1 < Vectors; ++v) simd::store(out[p] + v * lanes, sum[p][v]);
    float* tail = out[p] + (Vectors - 1) * lanes;
    if (last == lanes)
      simd::store(tail, sum[p][Vectors - 1]);
    else
      simd::store_first(tail, sum[p][Vectors - 1], last);
  }
}

template <std::size_t Vectors>
void panel_pixels(const panel_job& job, const pixel_grid& grid, const float* in, float* out) {
  static constexpr auto tiles = []<std::size_t... P>(std::index_sequence<P...>) {
    struct {
      void (*of[tile_pixels])(const panel_job&, const char*, std::size_t, const float* const*, float* const*);
    } all{{&panel_tile<P + 1, Vectors>...}};
    return all;
  }
  (std::make_index_sequence<tile_pixels>{});

  std::size_t pixels = grid.rows * grid.columns, share = (pixels + tile_pixels - 1) / tile_pixels;
  // Each tile fetches its part of the next panel. A single one waits for the present one, and hurries on in
  // it.
  const std::size_t bytes = job.channels * sizeof(float),
                    ahead_step = job.next != nullptr ? (bytes + share - 1) / share : 0;
  const char* ahead = share > 1 && job.next != nullptr
                          ? reinterpret_cast<const char*>(job.next)
                          : reinterpret_cast<const char*>(job.weights) + panel_stream_ahead;
  const float* from[tile_pixels];
  float* to[tile_pixels];
  std::size_t column = 0;
  for (; share > 0; --share) {
    const std::size_t count = (pixels + share - 1) / share;  // equal shares: 7 pixels are 4 + 3
    for (std::size_t p = 0; p < count; ++p) {
      from[p] = in + column * grid.in_column;
      to[p] = out + column * grid.out_column;
      if (++column == grid.columns) {
        column = 0;
        in += grid.in_row;
        out += grid.out_row;
      }
    }
    tiles.of[count - 1](job, ahead, ahead_step, from, to);
    ahead += job.run * ahead_step;
    pixels -= count;
  }
}

using panel_function = void (*)(const panel_job&, const pixel_grid&, const float*, float*);

template <bool IsNeeded, std::size_t Vectors>
constexpr panel_function panel_if() {
  if constexpr (IsNeeded)
    return &panel_pixels<Vectors>;
  else
    return nullptr;
}

}  // namespace detail

/// All pixels of `grid` times one panel, whose channels are a block of one of `Forms`.
template <block_set Forms = all_blocks>
void multiply_panel(const panel_job& job, const pixel_grid& grid, const float* in, float* out) {
  static constexpr auto all = []<std::size_t... V>(std::index_sequence<V...>) {
    struct {
      detail::panel_function of[tile_vectors];
    } of_vectors{{detail::panel_if<((Forms >> V | Forms >> (tile_vectors + V)) & 1) != 0, V + 1>()...}};
    return of_vectors;
  }
  (std::make_index_sequence<tile_vectors>{});
  all.of[(job.channels - 1) / simd::lanes](job, grid, in, out);
}

}  // namespace iop::kernel
