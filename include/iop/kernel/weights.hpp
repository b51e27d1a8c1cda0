// SPDX-License-Identifier: MIT
#pragma once

// The order in which convolutions read their weights. Per group: [block of output channels][kernel
// row][kernel column][input channel][output channel of the block]; the last block is as wide as it is,
// nothing is padded, so that the size is the same on every device although the order is not. Depthwise:
// [kernel row][kernel column][channel].

#include <iop/kernel/depthwise.hpp>
#include <iop/kernel/geometry.hpp>
#include <iop/kernel/tile.hpp>

#include <algorithm>
#include <cstddef>

namespace iop::kernel {

/// Floats behind the last packed tensor that must be readable, whatever they hold: the last vector of a row
/// of weights is loaded whole.
inline constexpr std::size_t weight_slack = 16;
static_assert(simd::lanes <= weight_slack,
              "weight_slack must cover one vector, or packed tensors are over-read");

/// Floats that the packed weights of `g` take.
constexpr std::size_t packed_size(const windowed& g) {
  return g.groups == 0 ? 0 : g.out.channels * (g.in.channels / g.groups) * g.kernel_height * g.kernel_width;
}

/// Writes packed_size(g) floats. `read(o, i, y, x)` gives the weight of local output channel o, input channel
/// i of its group, kernel row y, kernel column x.
template <class Read>
void pack_conv2d(const windowed& g, Read&& read, float* packed) {
  if (packed_size(g) == 0) return;
  const bool depthwise = is_depthwise(g);
  const std::size_t parts = depthwise ? 1 : g.groups;
  const std::size_t channels = g.out.channels / parts;
  const std::size_t block = depthwise ? channels : block_channels;
  for (std::size_t part = 0; part < parts; ++part)
    for (std::size_t first = 0; first < channels; first += block)
      for (std::size_t y = 0; y < g.kernel_height; ++y)
        for (std::size_t x = 0; x < g.kernel_width; ++x)
          for (std::size_t i = 0; i < g.in.channels / g.groups; ++i)
            for (std::size_t o = first; o < std::min(first + block, channels); ++o)
              *packed++ = read(part * channels + o, i, y, x);
}

}  // namespace iop::kernel
