// SPDX-License-Identifier: MIT
#pragma once

// The sliding window of a convolution or pooling, and its arithmetic: how many outputs it makes, and which
// input rows a range of output rows needs. Everything that cuts by rows rests on `input_rows`.

#include <iop/core/range.hpp>

#include <cstddef>

namespace iop {

struct window {
  std::size_t kernel_height = 1;
  std::size_t kernel_width = 1;
  std::size_t stride_height = 1;
  std::size_t stride_width = 1;
  std::size_t dilation_height = 1;
  std::size_t dilation_width = 1;
  std::size_t pad_top = 0;
  std::size_t pad_bottom = 0;
  std::size_t pad_left = 0;
  std::size_t pad_right = 0;

  friend constexpr bool operator==(const window&, const window&) = default;
};

/// Input positions that one output spans: dilation · (kernel − 1) + 1.
constexpr std::size_t reach(std::size_t kernel, std::size_t dilation) { return dilation * (kernel - 1) + 1; }

/// Outputs along one dimension, 0 when the window does not fit. With `ceil` a last window may stick out at
/// the end, as long as it starts inside the input or its leading padding (PyTorch's ceil_mode).
constexpr std::size_t output_extent(std::size_t input, std::size_t kernel, std::size_t stride,
                                    std::size_t dilation, std::size_t pad_before, std::size_t pad_after,
                                    bool ceil = false) {
  const std::size_t padded = input + pad_before + pad_after;
  if (padded < reach(kernel, dilation))  // with ceil the first window may be the one that sticks out
    return ceil && padded > 0 && reach(kernel, dilation) - padded < stride ? 1 : 0;
  const std::size_t room = padded - reach(kernel, dilation);
  std::size_t count = (ceil ? room + stride - 1 : room) / stride + 1;
  if (ceil && (count - 1) * stride >= input + pad_before) --count;
  return count;
}

/// Taps of the windows `out` that fall on the `extent` positions of the input, behind `pad` of padding.
constexpr std::size_t taps_inside(range out, std::size_t extent, std::size_t pad, std::size_t kernel,
                                  std::size_t stride, std::size_t dilation) {
  std::size_t sum = 0;
  for (std::size_t tap = 0; tap < kernel; ++tap) {
    const auto first_behind = [&](std::size_t position) {  // the first window whose tap is there, or behind
      const std::size_t ahead = tap * dilation;
      return position > ahead ? (position - ahead + stride - 1) / stride : 0;
    };
    sum += intersect(out, {first_behind(pad), first_behind(pad + extent)}).size();
  }
  return sum;
}

/// The input rows, clipped to the `height` that exist, which the output rows `out` are computed from.
constexpr range input_rows(const window& w, range out, std::size_t height) {
  if (out.end <= out.begin) return {};
  const std::size_t first = out.begin * w.stride_height, pad = w.pad_top;
  const std::size_t last = (out.end - 1) * w.stride_height + w.dilation_height * (w.kernel_height - 1) + 1;
  const std::size_t begin = first > pad ? first - pad : 0, behind = last > pad ? last - pad : 0;
  const std::size_t end = behind < height ? behind : height;
  return begin < end ? range{begin, end} : range{};
}

}  // namespace iop
