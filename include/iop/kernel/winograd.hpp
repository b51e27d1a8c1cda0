// SPDX-License-Identifier: MIT
#pragma once

// Convolution 3×3 with stride 1 by Winograd's F(4×4, 3×3): a quarter of the multiply-adds for four times the
// weights. Blocks of tiles are transformed to points, 36 small matrix products follow for each block of
// output channels, and their sums are transformed back while they are in the cache. An output differs from
// the exact one by about 1e-5 of the largest, more than the direct form's, and depends on where its tile
// begins.

#include <iop/kernel/geometry.hpp>
#include <iop/kernel/panel.hpp>
#include <iop/kernel/winograd_transform.hpp>
#include <iop/spec/winograd.hpp>

#include <algorithm>
#include <cstddef>

namespace iop::kernel {

static_assert(block_channels <= winograd_block::most_outs,
              "winograd_block::most_outs must cover a block of output channels");

/// Writes winograd_weight_count(outputs, inputs) floats: [block of output channels][point][input channel]
/// [output channel of the block]. `read(o, i, y, x)` as in pack_conv2d. As there, `weight_slack` floats
/// behind the last packed tensor must be readable.
template <class Read>
void pack_winograd(const windowed& g, Read&& read, float* packed) {
  const std::size_t ins = g.in.channels;
  for (std::size_t first = 0; first < g.out.channels; first += block_channels) {
    const std::size_t width = std::min(block_channels, g.out.channels - first);
    for (std::size_t i = 0; i < ins; ++i)
      for (std::size_t o = 0; o < width; ++o) {
        double filter[3][3], points[6][6];
        for (std::size_t y = 0; y < 3; ++y)
          for (std::size_t x = 0; x < 3; ++x) filter[y][x] = static_cast<double>(read(first + o, i, y, x));
        detail::transform_filter(filter, points);
        for (std::size_t p = 0; p < winograd_points; ++p)
          packed[(p * ins + i) * width + o] = static_cast<float>(points[p / 6][p % 6]);
      }
    packed += winograd_points * ins * width;
  }
}

/// As conv2d_added, where `added` may be null, with weights from pack_winograd and winograd_workspace(
/// out.height, out.width, in.channels, out.channels) floats of scratch, whose contents do not matter before
/// or after. `Forms`: what the blocks of output channels may be.
template <block_set Forms = all_blocks>
void conv2d_winograd(const windowed& g, const float* in, const float* packed, const float* bias,
                     const float* added, float* workspace, float* out) {
  const std::size_t ins = g.in.channels, outs = g.out.channels;
  const winograd_block block(g.out.height, g.out.width, ins, outs);
  float* const zeros = workspace;
  float* const inputs = zeros + block.in_step;
  float* const products = inputs + winograd_points * block.in_plane;
  std::fill_n(zeros, block.in_step, 0.0f);
  const std::size_t across = (g.out.width + 3) / 4, all = winograd_tiles(g.out.height, g.out.width);
  const limits l = limits_of(g.act);

  for (std::size_t begin = 0; begin < all; begin += block.tiles) {
    const std::size_t count = std::min(block.tiles, all - begin);
    for (std::size_t t = 0; t < count; ++t) {
      const std::size_t y = (begin + t) / across * 4, x = (begin + t) % across * 4;
      const detail::tile_pixels_of pixels(g, in, zeros, y, x);
      for_each_chunk(ins, [&](std::size_t c, std::size_t lanes) {
        const auto transform =
            lanes == simd::lanes ? &detail::transform_input<true> : &detail::transform_input<false>;
        transform(pixels, g.in.pixel_stride, block.in_plane, c, lanes, inputs + t * block.in_step);
      });
    }
    pixel_grid grid;
    grid.columns = count;
    grid.in_column = block.in_step;
    grid.out_column = block.out_step;
    const float* weights = packed;
    for (std::size_t first = 0; first < outs; first += block_channels) {
      panel_job job;
      job.run = ins;
      job.channels = std::min(block_channels, outs - first);
      for (std::size_t p = 0; p < winograd_points; ++p, weights = job.next) {
        job.weights = weights;
        job.next = weights + ins * job.channels;
        multiply_panel<Forms>(job, grid, inputs + p * block.in_plane, products + p * block.out_plane);
      }
      for (std::size_t t = 0; t < count; ++t) {
        const std::size_t y = (begin + t) / across * 4, x = (begin + t) % across * 4;
        const std::size_t at = y * g.out.row_stride() + x * g.out.pixel_stride + first;
        const detail::tile_outputs to{std::min<std::size_t>(4, g.out.height - y),
                                      std::min<std::size_t>(4, g.out.width - x),
                                      g.out.row_stride(),
                                      g.out.pixel_stride,
                                      out + at,
                                      added != nullptr ? added + at : nullptr};
        for_each_chunk(job.channels, [&](std::size_t c, std::size_t lanes) {
          const auto transform =
              lanes == simd::lanes ? &detail::transform_output<true> : &detail::transform_output<false>;
          transform(products + t * block.out_step, block.out_plane, bias != nullptr ? bias + first : nullptr,
                    l, to, c, lanes);
        });
      }
    }
  }
  activate_limited(g.act, g.out, out);
}

}  // namespace iop::kernel
