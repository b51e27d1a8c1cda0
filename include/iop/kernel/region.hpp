// SPDX-License-Identifier: MIT
#pragma once

// Padding without padded copies: the output of a windowed operator falls apart into rectangles in which every
// pixel uses the same kernel rows and columns, namely those that hit the input. There is one large interior
// rectangle and a frame of thin ones, whose clipped taps are skipped. What is skipped depends on the pixel
// alone, so a strip of rows gives the same bits as the whole.

#include <iop/core/range.hpp>
#include <iop/kernel/geometry.hpp>

#include <algorithm>
#include <cstddef>

namespace iop::kernel {

/// One dimension of a windowed operator.
struct axis {
  std::size_t extent = 1;  ///< of the input
  std::size_t count = 1;   ///< of outputs
  std::size_t kernel = 1;
  std::size_t stride = 1;
  std::size_t dilation = 1;
  std::ptrdiff_t origin = 0;  ///< input position of tap 0 of output 0; negative is padding

  /// Input position of one tap of one output; outside [0, extent) it is padding.
  constexpr std::ptrdiff_t position(std::size_t output, std::size_t tap) const {
    return origin + static_cast<std::ptrdiff_t>(output * stride + tap * dilation);
  }

  /// The taps of one output that hit the input.
  constexpr range taps(std::size_t output) const {
    const std::ptrdiff_t start = position(output, 0);
    const std::ptrdiff_t end = static_cast<std::ptrdiff_t>(extent);
    const range hit{start < 0 ? steps(-start, dilation) : 0,
                    start < end ? std::min(kernel, steps(end - start, dilation)) : 0};
    return hit.empty() ? range{} : hit;
  }

  /// The outputs whose tap number `tap` hits the input.
  constexpr range outputs(std::size_t tap) const {
    const std::ptrdiff_t start = position(0, tap), end = static_cast<std::ptrdiff_t>(extent);
    if (start >= end) return {};
    const range hit{start < 0 ? steps(-start, stride) : 0, std::min(count, steps(end - start, stride))};
    return hit.empty() ? range{} : hit;
  }

  /// The outputs all of whose taps hit the input.
  constexpr range interior() const {
    const std::ptrdiff_t last_start = static_cast<std::ptrdiff_t>(extent) - 1 -
                                      static_cast<std::ptrdiff_t>((kernel - 1) * dilation) - origin;
    if (last_start < 0) return {};
    return intersect(
        range{origin < 0 ? steps(-origin, stride) : 0, static_cast<std::size_t>(last_start) / stride + 1},
        range{0, count});
  }

 private:
  /// How many steps it takes to go `distance` > 0 or further.
  static constexpr std::size_t steps(std::ptrdiff_t distance, std::size_t step) {
    return (static_cast<std::size_t>(distance) + step - 1) / step;
  }
};

constexpr axis vertical(const windowed& g) {
  return {g.in.height, g.out.height, g.kernel_height, g.stride_height, g.dilation_height, g.top};
}
constexpr axis horizontal(const windowed& g) {
  return {g.in.width, g.out.width, g.kernel_width, g.stride_width, g.dilation_width, g.left};
}

/// A rectangle of output pixels and the taps that all of them use. Without taps the pixels see padding only.
struct region {
  range rows;
  range columns;
  range kernel_rows;
  range kernel_columns;

  constexpr bool sees_input() const { return !kernel_rows.empty() && !kernel_columns.empty(); }
};

/// Offset in floats of the first input that the first pixel of `r` reads; 0 when it reads none.
constexpr std::size_t input_offset(const windowed& g, const region& r) {
  if (!r.sees_input()) return 0;
  const auto row = vertical(g).position(r.rows.begin, r.kernel_rows.begin);
  const auto column = horizontal(g).position(r.columns.begin, r.kernel_columns.begin);
  return static_cast<std::size_t>(row) * g.in.row_stride() +
         static_cast<std::size_t>(column) * g.in.pixel_stride;
}

/// Offset in floats of the first pixel of `r` in the output.
constexpr std::size_t output_offset(const windowed& g, const region& r) {
  return r.rows.begin * g.out.row_stride() + r.columns.begin * g.out.pixel_stride;
}

/// Calls visit(region) for regions that cover the output once, in a fixed order.
template <class Visit>
void for_each_region(const windowed& g, Visit&& visit) {
  const axis down = vertical(g), across = horizontal(g);
  const range inner_rows = down.interior(), inner_columns = across.interior();
  const auto run = [](range inner, std::size_t begin) {
    return range{begin, !inner.empty() && begin == inner.begin ? inner.end : begin + 1};
  };
  for (range rows = run(inner_rows, 0); rows.begin < down.count; rows = run(inner_rows, rows.end))
    for (range columns = run(inner_columns, 0); columns.begin < across.count;
         columns = run(inner_columns, columns.end))
      visit(region{rows, columns, down.taps(rows.begin), across.taps(columns.begin)});
}

}  // namespace iop::kernel
