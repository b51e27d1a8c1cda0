// SPDX-License-Identifier: MIT
#pragma once

// The vocabulary of networks: every operator type, on one page. An operator states what it makes; its input
// size comes from its neighbour. Shapes are channels × height × width; names and meanings are PyTorch's.

#include <iop/model/lowering.hpp>

#include <cstddef>
#include <string_view>

namespace iop::model {

/// The network's input; always the first.
template <std::size_t Channels, std::size_t Height, std::size_t Width>
struct input {
  static_assert(Channels > 0 && Height > 0 && Width > 0,
                "iop: input<channels, height, width> must not be empty.");
  template <class Lowering>
  static constexpr void lower(Lowering& network) {
    if (!network.ops.empty())
      return network.fail("input<", Channels, ", ", Height, ", ", Width,
                          "> stands behind another operator: a network has one input, at the start.");
    op first;
    first.in = first.out = {Channels, Height, Width};
    network.append(first);
  }
};

/// 2-D convolution (cross-correlation). Options: kernel (1×1 where it is not given), stride, pad, dilation,
/// groups, no_bias, name. Output: OutChannels × (H + pads − dilation·(kernel−1) − 1)/stride + 1, likewise
/// width.
template <std::size_t OutChannels, operator_option... Options>
struct conv2d {
  static_assert(OutChannels > 0, "iop: conv2d needs at least one output channel.");
  static_assert((is_one_of<Options, 0, 1, 2, 3, 4, 5, 6> && ...),
                "iop: conv2d takes kernel, stride, pad, dilation, groups, no_bias and name.");
  static_assert(are_distinct<Options...>(), "iop: conv2d was given the same option twice.");
  template <class Lowering>
  static constexpr void lower(Lowering& network) {
    const settings s = gather<Options...>();
    const tensor_name name = network.name_or(s.name, "conv", ++network.counts.convolutions);
    const std::size_t ins = network.current().channels;
    if (ins % s.groups != 0 || OutChannels % s.groups != 0)
      return network.fail(name.view(), ": ", s.groups, " groups do not divide ", ins, " input and ",
                          OutChannels, " output channels: choose a common divisor.");
    network.append_windowed(kind::conv2d, s, OutChannels, name.view());
  }
};

/// Fully connected layer on all elements of its input. Options: no_bias, name.
template <std::size_t Features, operator_option... Options>
struct dense {
  static_assert(Features > 0, "iop: dense needs at least one output feature.");
  static_assert((is_one_of<Options, 5, 6> && ...), "iop: dense takes no_bias and name.");
  static_assert(are_distinct<Options...>(), "iop: dense was given the same option twice.");
  template <class Lowering>
  static constexpr void lower(Lowering& network) {
    const settings s = gather<Options...>();
    const tensor_name name = network.name_or(s.name, "fc", ++network.counts.dense_layers);
    const shape in = network.current();
    if (!network.at.is_flat && in.height * in.width != 1)
      return network.fail(name.view(), ": dense needs a flat input, got ", in.channels, "x", in.height, "x",
                          in.width, ": put flatten before it.");
    op next{kind::dense, activation::none, {}, {}, {Features, 1, 1}, {}, 1, s.bias, true};
    next.win.kernel_height = in.height;
    next.win.kernel_width = in.width;
    network.append(next, name.view());
  }
};

/// Options: stride (default: Kernel), pad, dilation, ceil_mode.
template <std::size_t Kernel, operator_option... Options>
struct max_pool {
  static_assert((is_one_of<Options, 1, 2, 3, 8> && ...),
                "iop: max_pool takes stride, pad, dilation and ceil_mode.");
  static_assert(are_distinct<Options...>(), "iop: max_pool was given the same option twice.");
  template <class Lowering>
  static constexpr void lower(Lowering& network) {
    network.append_windowed(kind::max_pool, pool_settings<Kernel, Options...>(), network.current().channels,
                            "max_pool");
  }
};

/// Options: stride (default: Kernel), pad, exclude_padding.
template <std::size_t Kernel, operator_option... Options>
struct average_pool {
  static_assert((is_one_of<Options, 1, 3, 7> && ...),
                "iop: average_pool takes stride, pad and exclude_padding.");
  static_assert(are_distinct<Options...>(), "iop: average_pool was given the same option twice.");
  template <class Lowering>
  static constexpr void lower(Lowering& network) {
    network.append_windowed(kind::average_pool, pool_settings<Kernel, Options...>(),
                            network.current().channels, "average_pool");
  }
};

/// The mean of each channel: an average_pool whose window is the whole input. Output: channels × 1 × 1.
struct global_average_pool {
  template <class Lowering>
  static constexpr void lower(Lowering& network) {
    const shape in = network.current();
    settings s;
    s.win.kernel_height = s.win.stride_height = in.height;
    s.win.kernel_width = s.win.stride_width = in.width;
    network.append_windowed(kind::average_pool, s, in.channels, "global_average_pool");
  }
};

/// Batch normalisation with the statistics of training: (x − running_mean) / √(running_var + epsilon) ·
/// weight
/// + bias, per channel. It becomes part of the conv2d or dense directly before it. Options: epsilon (default
/// 1e-5), name (default: bn1, bn2, …).
template <operator_option... Options>
struct batch_norm {
  static_assert((is_one_of<Options, 6, 9> && ...), "iop: batch_norm takes epsilon and name.");
  static_assert(are_distinct<Options...>(), "iop: batch_norm was given the same option twice.");
  template <class Lowering>
  static constexpr void lower(Lowering& network) {
    const settings s = gather<Options...>();
    const tensor_name name = network.name_or(s.name, "bn", ++network.counts.norms);
    if (!network.problem.empty()) return;
    op& before = network.ops[network.at.end];
    if (const std::string_view other = obstacle(network, before); !other.empty())
      return network.fail(name.view(), ": batch_norm must stand directly behind conv2d or dense, not behind ",
                          other, ": move it there, or leave it out.");
    before.norm = true;
    before.bias_from_norm = !before.bias;
    before.bias = true;
    before.norm_epsilon = s.epsilon;
    network.norm_names[network.at.end] = name;
  }

 private:
  /// What stands between it and an operator whose weights can take it up; empty if nothing does.
  template <class Lowering>
  static constexpr std::string_view obstacle(const Lowering& network, const op& before) {
    if (!network.may_fuse()) return "the start of a path";
    if (before.act != activation::none) return name_of(before.act);
    if (before.norm) return "another batch_norm";
    if (!is_weighted(before)) return name_of(before.what);
    if (before.what == kind::conv2d && network.at.is_flat) return "flatten";
    return {};
  }
};

/// Normalisation across neighbouring channels: x / (k + alpha/Size · Σ x²)^beta, the sum over the Size
/// channels around. Options: alpha (default 1e-4), beta (0.75), k (1).
template <std::size_t Size, operator_option... Options>
struct local_response_norm {
  static_assert(Size > 0, "iop: local_response_norm needs a size of at least 1.");
  static_assert((is_one_of<Options, 10, 11, 12> && ...), "iop: local_response_norm takes alpha, beta and k.");
  static_assert(are_distinct<Options...>(), "iop: local_response_norm was given the same option twice.");
  template <class Lowering>
  static constexpr void lower(Lowering& network) {
    if (network.at.is_flat)
      return network.fail("local_response_norm cannot follow flatten: put it before flatten.");
    op next{kind::local_response_norm, activation::none, {}, {}, network.current()};
    next.response = gather<Options...>().response;
    next.response.size = Size;
    network.append(next);
  }
};

/// A function of each element. Behind a convolution, dense layer or residual block it becomes part of it.
template <activation Function>
struct elementwise {
  template <class Lowering>
  static constexpr void lower(Lowering& network) {
    network.apply(Function);
  }
};

/// max(x, 0).
struct relu : elementwise<activation::relu> {};
/// min(max(x, 0), 6).
struct relu6 : elementwise<activation::relu6> {};
/// x · relu6(x + 3) / 6.
struct hard_swish : elementwise<activation::hard_swish> {};
/// 1 / (1 + exp(−x)).
struct sigmoid : elementwise<activation::sigmoid> {};
/// tanh(x). Not called tanh, which <cmath> puts beside it wherever `using namespace iop::model` stands.
struct hyperbolic_tangent : elementwise<activation::tanh> {};

/// x where it is positive, Slope · x elsewhere.
template <real Slope = 0.01>
struct leaky_relu {
  template <class Lowering>
  static constexpr void lower(Lowering& network) {
    network.apply(activation::leaky_relu, Slope.value());
  }
};

/// Drops elements with this probability in training; here, after training, it is nothing.
template <real Probability = 0.5>
struct dropout {
  static_assert(Probability.value() >= 0 && Probability.value() <= 1,
                "iop: dropout takes a probability, from 0 to 1.");
  static constexpr std::size_t operator_count = 0;
  template <class Lowering>
  static constexpr void lower(Lowering&) {}
};

/// From channels × height × width to a list of features. Nothing moves: activations stay in HWC order, and
/// the columns of the dense layer behind are permuted when its weights load.
struct flatten {
  template <class Lowering>
  static constexpr void lower(Lowering& network) {
    network.at.is_flat = true;
  }
};

/// exp(x_i) / Σ exp(x_j) over all elements.
struct softmax {
  template <class Lowering>
  static constexpr void lower(Lowering& network) {
    if (!network.problem.empty()) return;
    network.append({kind::softmax, activation::none, {}, {}, network.current()});
  }
};

}  // namespace iop::model
