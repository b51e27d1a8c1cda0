// SPDX-License-Identifier: MIT
#pragma once

// Convolution of an image of one channel to a few: lanes are neighbouring pixels instead of output channels,
// which would leave most of a wide register idle. The chains of additions are those of tile.hpp, bit for bit.

#include <iop/kernel/activation.hpp>
#include <iop/kernel/chunk.hpp>
#include <iop/kernel/geometry.hpp>
#include <iop/kernel/simd.hpp>
#include <iop/kernel/tile.hpp>

#include <algorithm>
#include <cstddef>
#include <utility>

namespace iop::kernel {

/// Output channels whose sums stay in registers together.
inline constexpr std::size_t planar_channels = 6;

/// True when lanes of output channels would be idle by half, and a line of a region fills lanes of pixels.
constexpr bool is_planar(const windowed& g, std::size_t pixels) {
  return g.in.channels == 1 && g.in.pixel_stride == 1 && g.stride_width == 1 &&
         2 * g.out.channels <= simd::lanes && pixels >= simd::lanes;
}

namespace detail {

/// `lanes` pixels at each of `in` and `next`, which may overlap, and as many outputs at `out` and `out_next`.
template <std::size_t Channels, std::size_t Vectors>
void planar_tile(const tile_job& job, const float* weights, const float* start, const float* const (&in)[2],
                 float* const (&out)[2]) {
  using simd::batch, simd::lanes;
  batch sum[Channels][Vectors];
#pragma GCC unroll 8
  for (std::size_t c = 0; c < Channels; ++c)
#pragma GCC unroll 2
    for (std::size_t v = 0; v < Vectors; ++v) sum[c][v] = simd::broadcast(start[c]);
  for (std::size_t row = 0; row < job.rows; ++row, weights += job.weight_skip)
    for (std::size_t k = 0; k < job.columns; ++k)
      for (std::size_t i = 0; i < job.run; ++i, weights += job.channels) {
        const std::size_t at = row * job.row_step + k * job.column_step + i;
        batch x[Vectors];
#pragma GCC unroll 2
        for (std::size_t v = 0; v < Vectors; ++v) x[v] = simd::load(in[v] + at);
#pragma GCC unroll 8
        for (std::size_t c = 0; c < Channels; ++c) {
          const batch w = simd::broadcast(weights[c]);
#pragma GCC unroll 2
          for (std::size_t v = 0; v < Vectors; ++v) sum[c][v] = simd::multiply_add(x[v], w, sum[c][v]);
        }
      }
  const limits l = limits_of(job.act);
  float made[Channels][lanes];
#pragma GCC unroll 2
  for (std::size_t v = 0; v < Vectors; ++v) {
#pragma GCC unroll 8
    for (std::size_t c = 0; c < Channels; ++c) simd::store(made[c], limited(l, sum[c][v]));
    float* to = out[v];
    for (std::size_t p = 0; p < lanes; ++p, to += job.out_step)
#pragma GCC unroll 8
      for (std::size_t c = 0; c < Channels; ++c) to[c] = made[c][p];
  }
}

template <std::size_t Channels>
void planar_channels_of_line(const tile_job& job, std::size_t first, std::size_t pixels, const float* in,
                             float* out) {
  const float *weights = job.weights + first, *start = job.start + first;
  const std::size_t count = (pixels + simd::lanes - 1) / simd::lanes, last = pixels - simd::lanes;
  const auto at = [&](std::size_t n) { return std::min(n * simd::lanes, last); };
  std::size_t n = 0;
  for (; n + 2 <= count; n += 2)
    planar_tile<Channels, 2>(job, weights, start, {in + at(n), in + at(n + 1)},
                             {out + first + at(n) * job.out_step, out + first + at(n + 1) * job.out_step});
  if (n < count)
    planar_tile<Channels, 1>(job, weights, start, {in + at(n), nullptr},
                             {out + first + at(n) * job.out_step, nullptr});
}

}  // namespace detail

/// As `tile_line`, for neighbouring pixels of a `planar` image.
inline void planar_line(const tile_job& job, std::size_t pixels, const float* in, float* out) {
  static constexpr auto lines = []<std::size_t... C>(std::index_sequence<C...>) {
    struct {
      void (*of[planar_channels])(const tile_job&, std::size_t, std::size_t, const float*, float*);
    } all{{&detail::planar_channels_of_line<C + 1>...}};
    return all;
  }
  (std::make_index_sequence<planar_channels>{});
  for (std::size_t first = 0; first < job.channels; first += planar_channels)
    lines.of[std::min(planar_channels, job.channels - first) - 1](job, first, pixels, in, out);
  activate_limited(job.act, {1, pixels, job.channels, job.out_step}, out);
}

}  // namespace iop::kernel
