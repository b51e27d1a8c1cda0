// SPDX-License-Identifier: MIT
#pragma once

// One operator of a network as plain numbers, and the facts about it that planning needs: what it reads, how
// much it computes, how many weights it has. Operator 0 is the network's input; operator i writes tensor i.
// An element-wise function that follows a linear operator is part of it (`act`).

#include <iop/core/fixed_vector.hpp>
#include <iop/core/shape.hpp>
#include <iop/spec/activation.hpp>
#include <iop/spec/window.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace iop {

enum class kind : std::uint8_t {
  input,
  conv2d,
  dense,
  max_pool,
  average_pool,
  elementwise,
  softmax,
  add,
  concat,
  local_response_norm
};

constexpr std::string_view name_of(kind k) {
  constexpr std::string_view names[] = {"input",       "conv2d",  "dense", "max_pool", "average_pool",
                                        "elementwise", "softmax", "add",   "concat",   "local_response_norm"};
  return names[static_cast<std::size_t>(k)];
}

/// y = x / (k + alpha / size · Σ x²)^beta, summed over the `size` channels around it that exist (Krizhevsky
/// et al. 2012, section 3.3; alpha divided by size as PyTorch does).
struct response_norm {
  std::size_t size = 5;
  float alpha = 1e-4f;
  float beta = 0.75f;
  float k = 1.0f;
  friend constexpr bool operator==(const response_norm&, const response_norm&) = default;
};

struct op {
  kind what = kind::input;
  activation act = activation::none;      ///< applied to each output element
  fixed_vector<std::size_t, 4> inputs{};  ///< numbers of the operators whose outputs it reads
  shape in{};                             ///< of the first input
  shape out{};
  window win{};            ///< of conv2d and pooling; a dense layer's window is its whole input
  std::size_t groups = 1;  ///< conv2d only
  bool bias = false;
  bool count_padding = true;    ///< average_pool: divide by the kernel's area, padding included
  bool norm = false;            ///< a batch_norm behind it is folded into weights and bias when they load
  bool bias_from_norm = false;  ///< it has no bias of its own: its bias is what the batch_norm leaves
  float norm_epsilon = 1e-5f;
  float slope = 0.01f;             ///< of leaky_relu
  response_norm response{};        ///< local_response_norm only
  fixed_vector<range, 4> parts{};  ///< concat: the output channels that each input becomes

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
         o.what == kind::add || is_depthwise(o);
}

/// Can be cut by input channel: linear, and each output reads all input channels.
constexpr bool has_partial_sums(const op& o) { return is_weighted(o) && o.groups == 1; }

/// Can be cut by rows with a halo: everything that keeps a height.
constexpr bool has_rows(const op& o) { return o.what != kind::dense && o.what != kind::softmax; }

/// Output channels come in runs of this length that must not be cut (the channels of one group).
constexpr std::size_t channel_unit(const op& o) {
  return o.what == kind::conv2d && o.groups > 1 ? o.out.channels / o.groups : 1;
}

/// The part of input number `input` that the operator's output box is computed from.
constexpr box needed_input(const op& o, const box& out, std::size_t input = 0) {
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
    case kind::concat: {
      const range part = o.parts[input], taken = intersect(part, out.channels);
      if (taken.empty()) return {};
      return {out.rows, {taken.begin - part.begin, taken.end - part.begin}};
    }
    case kind::local_response_norm: {
      const std::size_t before = o.response.size / 2, behind = (o.response.size - 1) / 2;
      const range c = out.channels;
      return {out.rows, {c.begin > before ? c.begin - before : 0, std::min(c.end + behind, o.in.channels)}};
    }
    case kind::input:
    case kind::elementwise:
    case kind::add:
      break;
  }
  return out;
}

/// Channels of input number `input`.
constexpr std::size_t input_channels(const op& o, std::size_t input) {
  return o.what == kind::concat ? o.parts[input].size() : o.in.channels;
}

/// Weights per output channel and input channel it reads.
constexpr std::size_t kernel_area(const op& o) { return o.win.kernel_height * o.win.kernel_width; }

/// A convolution that reads few channels, as the first of a network: kernels reach less of a machine's speed.
constexpr bool is_narrow(const op& o) {
  return o.what == kind::conv2d && o.groups == 1 && o.in.channels <= 4;
}

/// Weights (bias not counted) for `outs` output channels and, of each group, `ins` input channels.
constexpr std::size_t weight_count(const op& o, std::size_t outs, std::size_t ins) {
  return is_weighted(o) ? outs * ins * kernel_area(o) : 0;
}

/// Input channels that one output channel reads.
constexpr std::size_t channels_read(const op& o) { return o.in.channels / o.groups; }

/// All its weights and biases, as published parameter counts count them.
constexpr std::size_t parameter_count(const op& o) {
  return weight_count(o, o.out.channels, channels_read(o)) +
         (o.bias && !o.bias_from_norm ? o.out.channels : 0) + (o.norm ? 2 * o.out.channels : 0);
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
