// SPDX-License-Identifier: MIT
#pragma once

// Max and average pooling; lanes are channels. Padding never takes part: it is not a maximum, adds nothing to
// a sum, and counts in an average only on request. Taps are visited in ascending order, so results do not
// depend on how rows or channels are cut.

#include <iop/kernel/activation.hpp>
#include <iop/kernel/chunk.hpp>
#include <iop/kernel/geometry.hpp>
#include <iop/kernel/region.hpp>
#include <iop/kernel/simd.hpp>

#include <cstddef>
#include <limits>

namespace iop::kernel {

namespace detail {

/// out = finish(start combined with every tap inside the buffer, number of those taps).
template <class Combine, class Finish>
struct pooling {
  const windowed& g;
  const float* in;
  float* out;
  float start;
  Combine combine;
  Finish finish;

  void run() const {
    for_each_region(g, [&](const region& r) {
      const std::size_t rows = r.kernel_rows.size(), columns = r.sees_input() ? r.kernel_columns.size() : 0;
      if (rows == 2 && columns == 2)
        run_region<2, 2>(r, rows, columns);
      else if (rows == 3 && columns == 3)
        run_region<3, 3>(r, rows, columns);
      else
        run_region<0, 0>(r, rows, columns);
    });
  }

 private:
  /// `Rows` × `Columns`: the window, unrolled; 0 for any.
  template <std::size_t Rows, std::size_t Columns>
  void run_region(const region& r, std::size_t any_rows, std::size_t any_columns) const {
    const std::size_t rows = Rows > 0 ? Rows : any_rows, columns = Columns > 0 ? Columns : any_columns;
    const limits l = limits_of(g.act);
    const std::size_t row_step = g.dilation_height * g.in.row_stride();
    const std::size_t column_step = g.dilation_width * g.in.pixel_stride;
    const std::size_t next_row = r.sees_input() ? g.stride_height * g.in.row_stride() : 0;
    const std::size_t next_column = r.sees_input() ? g.stride_width * g.in.pixel_stride : 0;
    const float* first = in + input_offset(g, r);
    for (std::size_t y = 0; y < r.rows.size(); ++y) {
      float* row = out + output_offset(g, r) + y * g.out.row_stride();
      for_each_chunk(g.out.channels, [&](std::size_t c, std::size_t count) {
        const float* from = r.sees_input() ? first + y * next_row + c : nullptr;
        float* to = row + c;
        for (std::size_t x = 0; x < r.columns.size(); ++x, from += next_column, to += g.out.pixel_stride) {
          simd::batch result = simd::broadcast(start);
#pragma GCC unroll 3
          for (std::size_t i = 0; i < rows; ++i)
#pragma GCC unroll 3
            for (std::size_t j = 0; j < columns; ++j)
              result = combine(result, load_chunk(from + i * row_step + j * column_step, count));
          store_chunk(to, limited(l, finish(result, rows * columns)), count);
        }
      });
      activate_limited(g.act, {1, r.columns.size(), g.out.channels, g.out.pixel_stride}, row);
    }
  }
};

template <class Combine, class Finish>
void pool(const windowed& g, const float* in, float* out, float start, Combine combine, Finish finish) {
  pooling<Combine, Finish>{g, in, out, start, combine, finish}.run();
}

}  // namespace detail

/// The largest element under the window; −∞ where the window sees padding only.
inline void max_pool(const windowed& g, const float* in, float* out) {
  detail::pool(
      g, in, out, -std::numeric_limits<float>::infinity(),
      [](const simd::batch& a, const simd::batch& b) { return simd::max(a, b); },
      [](const simd::batch& a, std::size_t) { return a; });
}

/// The mean under the window: with `count_padding` over the kernel's area, otherwise over the elements inside
/// the buffer; 0 where there are none.
inline void average_pool(const windowed& g, bool count_padding, const float* in, float* out) {
  const std::size_t area = g.kernel_height * g.kernel_width;
  detail::pool(
      g, in, out, 0.0f, [](const simd::batch& a, const simd::batch& b) { return a + b; },
      [&](const simd::batch& a, std::size_t inside) {
        const std::size_t divisor = count_padding ? area : inside;
        return divisor == 0 ? a : simd::divide(a, simd::broadcast(static_cast<float>(divisor)));
      });
}

}  // namespace iop::kernel
