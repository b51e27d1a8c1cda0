// SPDX-License-Identifier: MIT
#pragma once

// Sizes of the buffers that kernels work on: rows × width × channels (HWC). `pixel_stride` ≥ channels lets a
// kernel read or write a channel range of a wider buffer.

#include <cstddef>

namespace iop::kernel {

/// Sizes of a buffer or of a channel range in it. The pointer to its first element is passed separately.
struct extents {
  std::size_t height = 1;
  std::size_t width = 1;
  std::size_t channels = 1;
  std::size_t pixel_stride = 1;  ///< floats from one pixel to the next; rows are width · pixel_stride apart

  constexpr std::size_t row_stride() const { return width * pixel_stride; }
  friend constexpr bool operator==(const extents&, const extents&) = default;
};

/// Compact extents: no gap between pixels.
constexpr extents compact(std::size_t height, std::size_t width, std::size_t channels) {
  return {height, width, channels, channels};
}

}  // namespace iop::kernel
