// SPDX-License-Identifier: MIT
#pragma once

// What Winograd's convolution F(4×4, 3×3) costs, for planning. Six by six inputs and a filter, each
// transformed to 36 points, are multiplied point by point; the sum over the input channels is transformed to
// 4 × 4 outputs: 36 multiply-adds instead of 144 (Lavin, Gray: Fast Algorithms for Convolutional Neural
// Networks). The price: weights are 36 instead of 9, and tiles pass through a workspace, block by block.
// Nothing here depends on the SIMD width.

#include <iop/spec/cache.hpp>
#include <iop/spec/operators.hpp>

#include <algorithm>
#include <cstddef>

namespace iop {

/// Outputs of a tile along each side, the inputs that they need, and the points of a transformed tile.
inline constexpr std::size_t winograd_outputs = 4;
inline constexpr std::size_t winograd_inputs = winograd_outputs + 2;
inline constexpr std::size_t winograd_points = winograd_inputs * winograd_inputs;

/// Convolutions of few channels gain nothing: transforming a tile takes the same for few as for many. Against
/// the direct form, with 16 to 256 outputs of 14×14 to 56×56 pixels and AVX-512, it measured 0.5 to 0.9 times
/// as fast from 3 channels, 0.8 to 1.7 from 8, 1.1 to 2.4 from 16, 2.0 to 3.3 from 64.
constexpr bool has_winograd(const op& o) {
  const window& w = o.win;
  return o.what == kind::conv2d && o.groups == 1 && !is_narrow(o) && w.kernel_height == 3 &&
         w.kernel_width == 3 && w.stride_height == 1 && w.stride_width == 1 && w.dilation_height == 1 &&
         w.dilation_width == 1;
}

/// Floats of the transformed weights. Nothing is padded.
constexpr std::size_t winograd_weight_count(std::size_t outs, std::size_t ins) {
  return winograd_points * outs * ins;
}

/// Tiles that cover rows × width outputs.
constexpr std::size_t winograd_tiles(std::size_t rows, std::size_t width) {
  const auto along = [](std::size_t outputs) { return (outputs + winograd_outputs - 1) / winograd_outputs; };
  return along(rows) * along(width);
}

/// Multiply-adds between the transforms.
constexpr std::size_t winograd_multiply_adds(std::size_t rows, std::size_t width, std::size_t ins,
                                             std::size_t outs) {
  return winograd_points * winograd_tiles(rows, width) * ins * outs;
}

/// The workspace: one pixel of zeros, a block of transformed input tiles of all input channels
/// [point][tile][channel], and the products of that block for a block of output channels [point][tile]
/// [channel]. Sizes are in floats.
struct winograd_block {
  /// As many tiles as a quarter of the second-level cache holds, where the other three are for weights and
  /// what passes through. Weights are read once for each block: with fewer than twelve tiles it would wait
  /// for them. So blocks of many channels leave that cache, and more than 36 tiles gain nothing.
  static constexpr std::size_t near_floats = second_level_cache / 4 / sizeof(float);
  static constexpr std::size_t least_tiles = 12, most_tiles = 36;
  static constexpr std::size_t most_outs = 64;
  static constexpr std::size_t line = 16;  ///< floats of a cache line

  std::size_t tiles = 0;      ///< of a block, at most
  std::size_t in_step = 0;    ///< from tile to tile of the inputs
  std::size_t in_plane = 0;   ///< from point to point of the inputs
  std::size_t out_step = 0;   ///< from tile to tile of the products
  std::size_t out_plane = 0;  ///< from point to point of the products

  static constexpr std::size_t whole_lines(std::size_t floats) { return (floats + line - 1) / line * line; }

  constexpr winograd_block(std::size_t rows, std::size_t width, std::size_t ins, std::size_t outs) {
    in_step = whole_lines(ins);
    out_step = whole_lines(std::min(outs, most_outs));
    const std::size_t all = winograd_tiles(rows, width);
    const std::size_t near = near_floats / (winograd_points * std::max(in_step + out_step, line));
    const std::size_t most = near < least_tiles ? most_tiles : std::min(near, most_tiles);
    const std::size_t blocks = (all + most - 1) / most;
    tiles = blocks == 0 ? 0 : (all + blocks - 1) / blocks;
    // An odd number of lines, lest all points of a tile fall into the same set of a cache.
    in_plane = whole_lines(tiles * in_step) + (tiles * in_step / line % 2 == 0 ? line : 0);
    out_plane = whole_lines(tiles * out_step) + (tiles * out_step / line % 2 == 0 ? line : 0);
  }
  constexpr std::size_t floats() const { return in_step + winograd_points * (in_plane + out_plane); }
};

/// Floats of scratch for rows × width outputs.
constexpr std::size_t winograd_workspace(std::size_t rows, std::size_t width, std::size_t ins,
                                         std::size_t outs) {
  return winograd_block(rows, width, ins, outs).floats();
}

/// Floats of scratch that no part of these rows and channels exceeds. The workspace of the whole may be less:
/// fewer channels make blocks of more tiles, and 37 tiles two blocks where 36 make one.
constexpr std::size_t most_winograd_workspace(std::size_t rows, std::size_t width, std::size_t ins,
                                              std::size_t outs) {
  using block = winograd_block;
  const std::size_t in_step = block::whole_lines(ins);
  const std::size_t out_step = block::whole_lines(std::min(outs, block::most_outs));
  const std::size_t tiles = std::min(winograd_tiles(rows, width), block::most_tiles);
  return in_step + winograd_points * (tiles * (in_step + out_step) + 2 * block::line);
}

}  // namespace iop
