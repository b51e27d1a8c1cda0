// SPDX-License-Identifier: MIT
#pragma once

// The transforms of Winograd's F(4×4, 3×3), vectors of channels at a time. A filter g and inputs d are taken
// as polynomials, evaluated at the points 0, ±a, ±b and ∞, and the outputs interpolated (Toom and Cook):
//   y = Aᵀ ((G g Gᵀ) ⊙ (Bᵀ d B)) A
// with row p of Bᵀ the coefficients of M(x) / (x − p), M(x) = x (x² − a²) (x² − b²), row p of G the powers
// 1, p, p² over Π (p − q), and Aᵀ the powers of the points. The points decide how much is rounded away.

#include <iop/kernel/chunk.hpp>
#include <iop/kernel/geometry.hpp>
#include <iop/spec/winograd.hpp>

#include <algorithm>
#include <cstddef>

namespace iop::kernel {

namespace detail {

/// Exact in few bits, and near √½ and √2: with the customary 1 and 2, errors are four to ten times as large.
inline constexpr double winograd_a = 0.75, winograd_b = 1.5;

/// Bᵀ d: inputs along one side to points, in the order 0, a, −a, b, −b, ∞.
inline void to_points(const simd::batch (&d)[6], simd::batch (&p)[6]) {
  constexpr double a2 = winograd_a * winograd_a, b2 = winograd_b * winograd_b;
  const auto constant = [](double x) { return simd::broadcast(static_cast<float>(x)); };
  const auto fused = [](const simd::batch& x, const simd::batch& y, const simd::batch& z) {
    return simd::multiply_add(x, y, z);
  };
  const simd::batch minus_sum = constant(-a2 - b2), product = constant(a2 * b2);
  const simd::batch even_a = fused(constant(-b2), d[2], d[4]), odd_a = fused(constant(-b2), d[1], d[3]);
  const simd::batch even_b = fused(constant(-a2), d[2], d[4]), odd_b = fused(constant(-a2), d[1], d[3]);
  p[0] = fused(product, d[0], fused(minus_sum, d[2], d[4]));
  p[1] = fused(constant(winograd_a), odd_a, even_a);
  p[2] = fused(constant(-winograd_a), odd_a, even_a);
  p[3] = fused(constant(winograd_b), odd_b, even_b);
  p[4] = fused(constant(-winograd_b), odd_b, even_b);
  p[5] = fused(product, d[1], fused(minus_sum, d[3], d[5]));
}

/// Aᵀ p: points to outputs along one side.
inline void to_outputs(const simd::batch (&p)[6], simd::batch (&y)[4]) {
  constexpr double a = winograd_a, b = winograd_b;
  const auto constant = [](double x) { return simd::broadcast(static_cast<float>(x)); };
  const simd::batch sum_a = p[1] + p[2], difference_a = p[1] - p[2];
  const simd::batch sum_b = p[3] + p[4], difference_b = p[3] - p[4];
  y[0] = p[0] + (sum_a + sum_b);
  y[1] = simd::multiply_add(constant(b), difference_b, constant(a) * difference_a);
  y[2] = simd::multiply_add(constant(b * b), sum_b, constant(a * a) * sum_a);
  y[3] = simd::multiply_add(constant(b * b * b), difference_b,
                            simd::multiply_add(constant(a * a * a), difference_a, p[5]));
}

/// G g Gᵀ of one filter.
inline void transform_filter(const double (&filter)[3][3], double (&points)[6][6]) {
  constexpr double a = winograd_a, b = winograd_b, a2 = a * a, b2 = b * b;
  constexpr double g[6][3] = {{1 / (a2 * b2), 0, 0},
                              {1 / (2 * a2 * (a2 - b2)), a / (2 * a2 * (a2 - b2)), 1 / (2 * (a2 - b2))},
                              {1 / (2 * a2 * (a2 - b2)), -a / (2 * a2 * (a2 - b2)), 1 / (2 * (a2 - b2))},
                              {1 / (2 * b2 * (b2 - a2)), b / (2 * b2 * (b2 - a2)), 1 / (2 * (b2 - a2))},
                              {1 / (2 * b2 * (b2 - a2)), -b / (2 * b2 * (b2 - a2)), 1 / (2 * (b2 - a2))},
                              {0, 0, 1}};
  double half[6][3];
  for (std::size_t p = 0; p < 6; ++p)
    for (std::size_t x = 0; x < 3; ++x)
      half[p][x] = g[p][0] * filter[0][x] + g[p][1] * filter[1][x] + g[p][2] * filter[2][x];
  for (std::size_t p = 0; p < 6; ++p)
    for (std::size_t q = 0; q < 6; ++q)
      points[p][q] = half[p][0] * g[q][0] + half[p][1] * g[q][1] + half[p][2] * g[q][2];
}

/// The pixels that a tile reads; those in the padding are `zeros`.
struct tile_pixels_of {
  const float* at[6][6];

  tile_pixels_of(const windowed& g, const float* in, const float* zeros, std::size_t y, std::size_t x) {
    for (std::size_t i = 0; i < 6; ++i)
      for (std::size_t j = 0; j < 6; ++j) {
        const std::ptrdiff_t row = g.top + static_cast<std::ptrdiff_t>(y + i);
        const std::ptrdiff_t column = g.left + static_cast<std::ptrdiff_t>(x + j);
        const auto r = static_cast<std::size_t>(row), c = static_cast<std::size_t>(column);
        const bool inside = row >= 0 && column >= 0 && r < g.in.height && c < g.in.width;
        at[i][j] = inside ? in + r * g.in.row_stride() + c * g.in.pixel_stride : zeros;
      }
  }
};

/// Inputs of one tile to points, `plane` floats apart: `lanes` channels from `c` on, or only the first
/// `count`. Meanwhile the pixels come close that are first read two tiles later.
template <bool AllLanes>
void transform_input(const tile_pixels_of& pixels, std::size_t pixel_stride, std::size_t plane, std::size_t c,
                     std::size_t count, float* to) {
  simd::batch half[6][6];
#pragma GCC unroll 6
  for (std::size_t j = 0; j < 6; ++j) {
    simd::batch d[6], p[6];
#pragma GCC unroll 6
    for (std::size_t i = 0; i < 6; ++i) {
      const float* from = pixels.at[i][j] + c;
      d[i] = AllLanes ? simd::load(from) : simd::load_first(from, count);
      if (i >= 2 && j >= 2) simd::prefetch(from + 8 * pixel_stride);
    }
    to_points(d, p);
#pragma GCC unroll 6
    for (std::size_t i = 0; i < 6; ++i) half[i][j] = p[i];
  }
#pragma GCC unroll 6
  for (std::size_t i = 0; i < 6; ++i) {
    simd::batch p[6];
    to_points(half[i], p);
#pragma GCC unroll 6
    for (std::size_t j = 0; j < 6; ++j) {
      float* point = to + (6 * i + j) * plane + c;
      AllLanes ? simd::store(point, p[j]) : simd::store_first(point, p[j], count);
    }
  }
}

/// Where a tile's outputs go: rows × columns ≤ 4 × 4 of them.
struct tile_outputs {
  std::size_t rows;
  std::size_t columns;
  std::size_t row_step;
  std::size_t column_step;
  float* out;
  const float* added;  ///< to the outputs, laid out as these; may be null
};

/// The points of one tile, `plane` floats apart, to outputs. `bias` may be null. Meanwhile the outputs of the
/// next tile come close.
template <bool AllLanes>
void transform_output(const float* from, std::size_t plane, const float* bias, const limits& l,
                      const tile_outputs& to, std::size_t c, std::size_t count) {
  const auto load = [&](const float* x) { return AllLanes ? simd::load(x) : simd::load_first(x, count); };
  simd::batch half[4][6];
#pragma GCC unroll 6
  for (std::size_t j = 0; j < 6; ++j) {
    simd::batch p[6], y[4];
#pragma GCC unroll 6
    for (std::size_t i = 0; i < 6; ++i) p[i] = load(from + (6 * i + j) * plane + c);
    to_outputs(p, y);
#pragma GCC unroll 4
    for (std::size_t i = 0; i < 4; ++i) half[i][j] = y[i];
  }
  const simd::batch start = bias != nullptr ? load(bias + c) : simd::broadcast(0.0f);
#pragma GCC unroll 4
  for (std::size_t i = 0; i < 4; ++i) {
    if (i >= to.rows) break;
    simd::batch y[4];
    to_outputs(half[i], y);
    float* pixel = to.out + i * to.row_step + c;
#pragma GCC unroll 4
    for (std::size_t j = 0; j < 4; ++j, pixel += to.column_step) {
      if (j >= to.columns) break;
      simd::batch value = y[j] + start;
      if (to.added != nullptr) value = value + load(to.added + (pixel - to.out));
      value = limited(l, value);
      AllLanes ? simd::store(pixel, value) : simd::store_first(pixel, value, count);
      simd::prefetch_to_write(pixel + 4 * to.column_step);
    }
  }
}

}  // namespace detail

}  // namespace iop::kernel
