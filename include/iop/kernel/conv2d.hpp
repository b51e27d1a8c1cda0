// SPDX-License-Identifier: MIT
#pragma once

// Convolution and dense layers on HWC buffers. Every output is its bias, then x·w for kernel rows, kernel
// columns, input channels in ascending order, padding left out; then the activation. It is one chain of fused
// multiply-adds, or one for each tap if `is_by_taps`. So cutting the rows or the output channels of an
// operator does not change a bit of its result, and neither does adding a skip in the same breath.

#include <iop/kernel/dense.hpp>
#include <iop/kernel/depthwise.hpp>
#include <iop/kernel/geometry.hpp>
#include <iop/kernel/planar.hpp>
#include <iop/kernel/region.hpp>
#include <iop/kernel/taps.hpp>
#include <iop/kernel/tile.hpp>
#include <iop/kernel/weights.hpp>

#include <algorithm>
#include <cstddef>
#include <utility>

namespace iop::kernel {

/// How a convolution is computed.
enum class conv_algorithm { none, planar, depthwise, dense, taps, tiles };

/// One of the groups, which are all alike.
constexpr windowed group_of(const windowed& g) {
  windowed one = g;
  one.in.channels /= g.groups;
  one.out.channels /= g.groups;
  one.groups = 1;
  return one;
}

constexpr conv_algorithm algorithm_of(const windowed& g) {
  if (g.out.channels == 0 || g.groups == 0) return conv_algorithm::none;
  if (is_planar(g)) return conv_algorithm::planar;
  if (is_depthwise(g)) return conv_algorithm::depthwise;
  const windowed one = group_of(g);
  if (is_dense(one)) return conv_algorithm::dense;
  return is_by_taps(one) ? conv_algorithm::taps : conv_algorithm::tiles;
}

/// What a program contains of convolution: the code for everything else is not made.
struct conv_forms {
  unsigned algorithms = ~0u;      ///< a bit for each
  block_set blocks = all_blocks;  ///< of output channels

  constexpr bool has(conv_algorithm a) const { return (algorithms >> static_cast<unsigned>(a) & 1) != 0; }
  friend constexpr bool operator==(const conv_forms&, const conv_forms&) = default;
};

/// What `conv2d` needs for that convolution.
constexpr conv_forms forms_of(const windowed& g) {
  const conv_algorithm a = algorithm_of(g);
  const bool is_in_blocks = a == conv_algorithm::taps || a == conv_algorithm::tiles;
  return {1u << static_cast<unsigned>(a), is_in_blocks ? blocks_of(group_of(g).out.channels) : 0};
}

namespace detail {

/// The loop lengths and steps of region `r`; what depends on the block of output channels is left open.
inline tile_job job_of(const windowed& g, const region& r) {
  tile_job job;
  job.act = g.act;
  if (!r.sees_input()) return job;
  job.rows = r.kernel_rows.size();
  job.columns = r.kernel_columns.size();
  job.run = g.in.channels;
  job.row_step = g.dilation_height * g.in.row_stride();
  job.column_step = g.dilation_width * g.in.pixel_stride;
  // Without gaps between the columns of a row they are one run with the channels (of which a first layer has
  // few), and without gaps between the rows, as in a dense layer, everything is.
  if (job.column_step == job.run) {
    job.run *= job.columns;
    job.columns = 1;
    if (job.row_step == job.run && r.kernel_columns.size() == g.kernel_width) {
      job.run *= job.rows;
      job.rows = 1;
    }
  }
  return job;
}

/// One group. Blocks of output channels are the outer loop: each weight comes from memory once.
template <block_set Forms>
void by_tiles(const windowed& g, const float* in, const float* packed, const float* bias, const float* added,
              float* out) {
  const std::size_t taps = g.kernel_height * g.kernel_width * g.in.channels;
  for (std::size_t first = 0; first < g.out.channels; first += block_channels) {
    const std::size_t channels = std::min(block_channels, g.out.channels - first);
    float start[block_channels] = {};
    if (bias != nullptr) std::copy_n(bias + first, channels, start);
    for_each_region(g, [&](const region& r) {
      tile_job job = job_of(g, r);
      job.channels = channels;
      job.start = start;
      job.added = added;
      job.origin = out;
      job.weights =
          packed + first * taps +
          (r.kernel_rows.begin * g.kernel_width + r.kernel_columns.begin) * g.in.channels * channels;
      job.weight_skip = (g.kernel_width - r.kernel_columns.size()) * g.in.channels * channels;

      const std::size_t in_row = r.sees_input() ? g.stride_height * g.in.row_stride() : 0;
      const std::size_t in_column = r.sees_input() ? g.stride_width * g.in.pixel_stride : 0;
      const float* from = in + input_offset(g, r);
      float* to = out + output_offset(g, r) + first;
      std::size_t length = r.columns.size(), lines = r.rows.size();
      std::size_t next_in = in_row, next_out = g.out.row_stride();  // from line to line
      job.in_step = in_column;
      job.out_step = g.out.pixel_stride;
      if (next_in == length * in_column && next_out == length * g.out.pixel_stride) {
        length *= lines;  // rows without a gap, as of a 1×1 kernel, are one line
        lines = 1;
        job.next = job.weights + taps * channels;  // of the next block, or of the next operator
      } else if (length < tile_pixels && length < lines) {
        // A line runs along the region's longer side: the thin regions of a frame are tiled too.
        std::swap(length, lines);
        std::swap(job.in_step, next_in);
        std::swap(job.out_step, next_out);
      }
      for (std::size_t line = 0; line < lines; ++line)
        tile_line<Forms>(job, length, from + line * next_in, to + line * next_out);
    });
  }
}

/// One group, by an algorithm for each of them.
template <conv_forms Forms>
void direct(conv_algorithm by, const windowed& g, const float* in, const float* packed, const float* bias,
            float* out) {
  if constexpr (Forms.has(conv_algorithm::dense))
    if (by == conv_algorithm::dense) return dense(g, in, packed, bias, out);
  if constexpr (Forms.has(conv_algorithm::taps))
    if (by == conv_algorithm::taps) return conv2d_by_taps<Forms.blocks>(g, in, packed, bias, out);
  if constexpr (Forms.has(conv_algorithm::tiles)) by_tiles<Forms.blocks>(g, in, packed, bias, nullptr, out);
}

}  // namespace detail

/// out = act(bias + in ∗ weights). `packed` comes from pack_conv2d for the same channels, groups and kernel;
/// `bias` has one float per output channel, or is null. Without activation and bias the result is a partial
/// sum over the input channels given. Buffers do not overlap. `Forms` has those of `forms_of(g)`.
template <conv_forms Forms = conv_forms{}>
void conv2d(const windowed& g, const float* in, const float* packed, const float* bias, float* out) {
  const conv_algorithm by = algorithm_of(g);
  if (by == conv_algorithm::none) return;
  if constexpr (Forms.has(conv_algorithm::planar))
    if (by == conv_algorithm::planar) return planar(g, in, packed, bias, out);
  if constexpr (Forms.has(conv_algorithm::depthwise))
    if (by == conv_algorithm::depthwise) return depthwise(g, in, packed, bias, out);
  const windowed one = group_of(g);
  const std::size_t next_in = g.in.height * g.in.width == 0 ? 0 : one.in.channels;  // a null `in` stays null
  for (std::size_t group = 0; group < g.groups; ++group)
    detail::direct<Forms>(by, one, in + group * next_in, packed + group * packed_size(one),
                          bias != nullptr ? bias + group * one.out.channels : nullptr,
                          out + group * one.out.channels);
}

/// True when `conv2d_added` can add while the sums are in registers.
constexpr bool is_added_in_tiles(const windowed& g) {
  return g.groups == 1 && algorithm_of(g) == conv_algorithm::tiles;
}

/// out = act((bias + in ∗ weights) + added), the bits of conv2d and then add. `added` is laid out as `out`,
/// and is another buffer. For operators of which `is_added_in_tiles` is true.
template <block_set Forms = all_blocks>
void conv2d_added(const windowed& g, const float* in, const float* packed, const float* bias,
                  const float* added, float* out) {
  detail::by_tiles<Forms>(g, in, packed, bias, added, out);
}

}  // namespace iop::kernel
