// SPDX-License-Identifier: MIT
#pragma once

// The vocabulary of networks: every operator type, on one page. An operator states what it makes; its input
// size comes from its neighbour. Shapes are channels × height × width; names and meanings are PyTorch's.

#include <iop/model/lowering.hpp>

#include <cstddef>

namespace iop::model {

/// The network's input; always the first.
template <std::size_t Channels, std::size_t Height, std::size_t Width>
struct input {
  static_assert(Channels > 0 && Height > 0 && Width > 0,
                "iop: input<channels, height, width> must not be empty.");
  template <class Lowering>
  static constexpr void lower(Lowering& network) {
    op first;
    first.in = first.out = {Channels, Height, Width};
    network.append(first);
  }
};

/// 2-D convolution (cross-correlation). Options: kernel, stride, pad, dilation, groups, no_bias, name.
/// Output: OutChannels × (H + pads − dilation·(kernel−1) − 1)/stride + 1, likewise width.
template <std::size_t OutChannels, operator_option... Options>
struct conv2d {
  static_assert(OutChannels > 0, "iop: conv2d needs at least one output channel.");
  static_assert((is_one_of<Options, 0, 1, 2, 3, 4, 5, 6> && ...),
                "iop: conv2d takes kernel, stride, pad, dilation, groups, no_bias and name.");
  static_assert(are_distinct<Options...>(), "iop: conv2d was given the same option twice.");
  template <class Lowering>
  static constexpr void lower(Lowering& network) {
    const settings s = gather<Options...>();
    const tensor_name name = network.name_or(s.name, "conv", ++network.convolutions);
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
    const tensor_name name = network.name_or(s.name, "fc", ++network.dense_layers);
    const shape in = network.current();
    if (!network.is_flat && in.height * in.width != 1)
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

/// max(x, 0). Behind a convolution or dense layer it becomes part of it.
struct relu {
  template <class Lowering>
  static constexpr void lower(Lowering& network) {
    if (!network.problem.empty()) return;
    op& before = network.ops.back();
    if (is_weighted(before) && before.act == activation::none) {
      before.act = activation::relu;
    } else {
      network.append({kind::elementwise, activation::relu, {}, {}, network.current()});
    }
  }
};

/// From channels × height × width to a list of features. Nothing moves: activations stay in HWC order, and
/// the columns of the dense layer behind are permuted when its weights load.
struct flatten {
  template <class Lowering>
  static constexpr void lower(Lowering& network) {
    network.is_flat = true;
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
