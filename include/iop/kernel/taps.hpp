// SPDX-License-Identifier: MIT
#pragma once

// Convolution tap by tap, for many channels: the weights of one tap and one block of output channels are a
// panel that all pixels go through before the next is needed. The outputs hold the sums meanwhile: the bias,
// + the sum of each tap in turn. Against whole chains in registers (tile.hpp) this means tiles that need not
// be a run of one line, no thin frames of padding, weights that are read from memory once, ahead of their
// use, although they do not fit the cache, and shorter chains, which round less.

#include <iop/kernel/activation.hpp>
#include <iop/kernel/geometry.hpp>
#include <iop/kernel/panel.hpp>
#include <iop/kernel/region.hpp>
#include <iop/spec/cache.hpp>

#include <algorithm>
#include <cstddef>

namespace iop::kernel {

/// Whether it pays: panels long enough to load and store the sums for, and lines that would leave tiles half
/// empty, weights that would have to come from beyond the second-level cache for each tile, or chains so long
/// that they round badly (9216 inputs of a dense layer: 2.5e-6 in one chain, 0.4e-6 in 36). Says the same
/// for every range of rows or output channels of an operator and on every device, since the order of the
/// additions depends on it.
constexpr bool is_by_taps(const windowed& g) {
  constexpr std::size_t least_run = 48, short_line = 32, many_inputs = 1536;
  const std::size_t taps = g.kernel_height * g.kernel_width;
  if (g.in.channels < least_run) return false;
  if (taps == 1 && g.stride_height == 1 && g.stride_width == 1) return false;  // is one line, with one panel
  return (g.out.width > 1 && g.out.width < short_line) || taps * g.in.channels > many_inputs;
}

namespace detail {

/// One block of output channels. `job` has its first panel, and afterwards its last one's end.
template <block_set Forms>
void taps_of_block(const windowed& g, const float* in, panel_job& job, const float* bias, float* out) {
  for (std::size_t p = 0; p < g.out.height * g.out.width; ++p) {
    float* start = out + p * g.out.pixel_stride;
    if (bias != nullptr)
      std::copy_n(bias, job.channels, start);
    else
      std::fill_n(start, job.channels, 0.0f);
  }
  for (std::size_t y = 0; y < g.kernel_height; ++y)
    for (std::size_t x = 0; x < g.kernel_width; ++x, job.weights = job.next) {
      job.next = job.weights + job.run * job.channels;
      const range rows = vertical(g).outputs(y), columns = horizontal(g).outputs(x);
      if (rows.empty() || columns.empty()) continue;
      const region hit{rows, columns, {y, y + 1}, {x, x + 1}};
      const pixel_grid grid{rows.size(),
                            columns.size(),
                            g.stride_height * g.in.row_stride(),
                            g.stride_width * g.in.pixel_stride,
                            g.out.row_stride(),
                            g.out.pixel_stride};
      multiply_panel<Forms>(job, grid, in + input_offset(g, hit), out + output_offset(g, hit));
    }
  activate(g.act, {g.out.height, g.out.width, job.channels, g.out.pixel_stride}, out);
}

}  // namespace detail

/// One group. `packed` comes from pack_conv2d. `Forms`: what the blocks of output channels may be.
template <block_set Forms = all_blocks>
void conv2d_by_taps(const windowed& g, const float* in, const float* packed, const float* bias, float* out) {
  // Rows are taken together whose inputs and sums stay in the second-level cache for all taps.
  constexpr std::size_t cache_floats = second_level_cache / 2 / sizeof(float);
  const std::size_t row = g.stride_height * g.in.row_stride() + g.out.width * block_channels;
  const std::size_t rows = std::max<std::size_t>(cache_floats / row, 1);
  for (std::size_t first = 0; first < g.out.channels; first += block_channels) {
    const std::size_t channels = std::min(block_channels, g.out.channels - first);
    const float* end = packed;
    for (std::size_t y = 0; y < g.out.height; y += rows) {
      windowed strip = g;
      strip.out.height = std::min(rows, g.out.height - y);
      strip.top = vertical(g).position(y, 0);
      panel_job job{g.in.channels, channels, true, packed, nullptr};
      detail::taps_of_block<Forms>(strip, in, job, bias != nullptr ? bias + first : nullptr,
                                   out + y * g.out.row_stride() + first);
      end = job.weights;
    }
    packed = end;
  }
}

}  // namespace iop::kernel
