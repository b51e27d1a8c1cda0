// SPDX-License-Identifier: MIT
#pragma once

// What a kernel is told: plain numbers describing a local computation, nothing about devices or plans.
// Buffers are rows × width × channels (HWC); `pixel_stride` ≥ channels lets a kernel read or write a channel
// range of a wider buffer. `top` and `left` are signed: a negative one means padding, which reads as zero.

#include <iop/spec/activation.hpp>

#include <cstddef>

namespace iop::kernel {

/// Sizes of a buffer or of a channel range in it. The pointer to its first element is passed separately.
struct extents {
  std::size_t height = 1;
  std::size_t width = 1;
  std::size_t channels = 1;
  std::size_t pixel_stride = 1;  ///< floats from one pixel to the next; rows are width · pixel_stride apart

  constexpr std::size_t row_stride() const { return width * pixel_stride; }
};

/// Compact extents: no gap between pixels.
constexpr extents compact(std::size_t height, std::size_t width, std::size_t channels) {
  return {height, width, channels, channels};
}

/// A windowed operator (convolution, dense, pooling) on local buffers. Output (y, x) reads the input rows
/// top + y · stride_height + i · dilation_height for i in [0, kernel_height), likewise for columns; positions
/// outside the input buffer are padding. A dense layer on a height × width × channels input is a convolution
/// whose kernel is the whole input.
struct windowed {
  extents in;
  extents out;
  std::size_t kernel_height = 1;
  std::size_t kernel_width = 1;
  std::size_t stride_height = 1;
  std::size_t stride_width = 1;
  std::size_t dilation_height = 1;
  std::size_t dilation_width = 1;
  std::ptrdiff_t top = 0;
  std::ptrdiff_t left = 0;
  std::size_t groups = 1;  ///< of the local computation; divides in.channels and out.channels
  activation act = activation::none;
};

}  // namespace iop::kernel
