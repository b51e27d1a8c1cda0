// SPDX-License-Identifier: MIT
#pragma once

// One operator of a network as plain numbers, and the facts about it that planning needs: what it reads, how
// much it computes, how many weights it has. Operator 0 is the network's input; operator i writes tensor i.
// An element-wise function that follows a linear operator is part of it (`act`).

#include <iop/core/fixed_vector.hpp>
#include <iop/core/shape.hpp>
#include <iop/spec/activation.hpp>
#include <iop/spec/window.hpp>

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace iop {

enum class kind : std::uint8_t { input, conv2d, dense, max_pool, average_pool, elementwise, softmax };

constexpr std::string_view name_of(kind k) {
  constexpr std::string_view names[] = {"input",        "conv2d",      "dense",  "max_pool",
                                        "average_pool", "elementwise", "softmax"};
  return names[static_cast<std::size_t>(k)];
}

struct op {
  kind what = kind::input;
  activation act = activation::none;      ///< applied to each output element
  fixed_vector<std::size_t, 4> inputs{};  ///< numbers of the operators whose outputs it reads
  shape in{};                             ///< of the first input
  shape out{};
  window win{};            ///< of conv2d and pooling; a dense layer's window is its whole input
  std::size_t groups = 1;  ///< conv2d only
  bool bias = false;
  bool count_padding = true;  ///< average_pool: divide by the kernel's area, padding included

  friend constexpr bool operator==(const op&, const op&) = default;
};

using op_list = std::span<const op>;

/// Weighted operators multiply by a tensor of weights: output channels × input channels per group × kernel.
constexpr bool is_weighted(const op& o) { return o.what == kind::conv2d || o.what == kind::dense; }

constexpr bool is_depthwise(const op& o) {
  return o.what == kind::conv2d && o.groups > 1 && o.groups == o.in.channels;
}

/// Output channel c depends on the input channels of c alone, so a channel shard passes through it.
constexpr bool is_channelwise(const op& o) {
  return o.what == kind::max_pool || o.what == kind::average_pool || o.what == kind::elementwise ||
         is_depthwise(o);
}

/// Can be cut by input channel: linear, and each output reads all input channels.
constexpr bool has_partial_sums(const op& o) { return is_weighted(o) && o.groups == 1; }

/// Can be cut by rows with a halo: everything that keeps a height.
constexpr bool has_rows(const op& o) { return o.what != kind::dense && o.what != kind::softmax; }

/// Output channels come in runs of this length that must not be cut (the channels of one group).
constexpr std::size_t channel_unit(const op& o) {
  return o.what == kind::conv2d && o.groups > 1 ? o.out.channels / o.groups : 1;
}

/// The part of the operator's input that its output box is computed from.
constexpr box needed_input(const op& o, const box& out) {
  if (out.empty()) return {};
  switch (o.what) {
    case kind::dense:
    case kind::softmax:
      return whole(o.in);
    case kind::conv2d: {
      const range rows = input_rows(o.win, out.rows, o.in.height);
      if (o.groups == 1) return {rows, {0, o.in.channels}};
      const std::size_t outs = o.out.channels / o.groups, ins = o.in.channels / o.groups;
      return {rows, {out.channels.begin / outs * ins, ((out.channels.end - 1) / outs + 1) * ins}};
    }
    case kind::max_pool:
    case kind::average_pool:
      return {input_rows(o.win, out.rows, o.in.height), out.channels};
    case kind::input:
    case kind::elementwise:
      break;
  }
  return out;
}

/// Weights per output channel and input channel it reads.
constexpr std::size_t kernel_area(const op& o) { return o.win.kernel_height * o.win.kernel_width; }

/// Weights (bias not counted) for `outs` output channels and, of each group, `ins` input channels.
constexpr std::size_t weight_count(const op& o, std::size_t outs, std::size_t ins) {
  return is_weighted(o) ? outs * ins * kernel_area(o) : 0;
}

/// Input channels that one output channel reads.
constexpr std::size_t channels_read(const op& o) { return o.in.channels / o.groups; }

/// All its weights and biases, as published parameter counts count them.
constexpr std::size_t parameter_count(const op& o) {
  return weight_count(o, o.out.channels, channels_read(o)) + (o.bias ? o.out.channels : 0);
}

/// Multiply-adds of `positions` output pixels.
constexpr std::size_t multiply_adds(const op& o, std::size_t positions, std::size_t outs, std::size_t ins) {
  return weight_count(o, outs, ins) * positions;
}

constexpr std::size_t parameter_count(op_list ops) {
  std::size_t sum = 0;
  for (const op& o : ops) sum += parameter_count(o);
  return sum;
}

constexpr std::size_t multiply_adds(op_list ops) {
  std::size_t sum = 0;
  for (const op& o : ops)
    sum += multiply_adds(o, o.out.height * o.out.width, o.out.channels, channels_read(o));
  return sum;
}

}  // namespace iop
