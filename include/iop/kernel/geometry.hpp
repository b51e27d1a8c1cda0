// SPDX-License-Identifier: MIT
#pragma once

// What a windowed kernel is told: plain numbers describing a local computation, nothing about devices or
// plans. `top` and `left` are signed: a negative one means padding, which reads as zero.

#include <iop/kernel/activation.hpp>
#include <iop/kernel/extents.hpp>

#include <cstddef>

namespace iop::kernel {

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
  activation_function act{};
};

}  // namespace iop::kernel
