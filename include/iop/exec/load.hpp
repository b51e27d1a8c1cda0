// SPDX-License-Identifier: MIT
#pragma once

// Reads a rank's slices of the weights and packs them for its kernels. Files keep PyTorch's order (output,
// input, height, width); a dense layer behind flatten has its columns in channel, height, width order, which
// makes it a convolution whose kernel is its whole input, so both load alike.

#include <iop/core/result.hpp>
#include <iop/core/weights.hpp>
#include <iop/deploy/program.hpp>
#include <iop/kernel/conv2d.hpp>

#include <cstddef>
#include <span>

namespace iop::exec {

/// Packs one operator's slice of `weight` (all output × read input channels × kernel).
inline void load_weights(const op& o, const deploy::compute_step& step, std::span<const float> weight,
                         float* to) {
  const std::size_t ins = channels_read(o);
  const range outs = step.output_channels;
  const std::size_t first_in = step.first_input_channel;
  const auto read = [&](std::size_t out, std::size_t in, std::size_t row, std::size_t column) {
    const std::size_t filter = (outs.begin + out) * ins + first_in + in;
    return weight[(filter * o.win.kernel_height + row) * o.win.kernel_width + column];
  };
  kernel::pack_conv2d(step.geometry, read, to);
}

/// Loads and packs the slice of one compute step, or says which tensor does not fit.
template <weight_source Weights>
[[gnu::noinline]] error load_step(const Weights& source, const op& o, const model::tensor_name& name,
                                  const deploy::compute_step& step, float* weights) {
  const std::size_t ins = channels_read(o);
  const std::size_t as_conv2d[] = {o.out.channels, ins, o.win.kernel_height, o.win.kernel_width};
  const std::size_t as_dense[] = {o.out.channels, ins * kernel_area(o)};
  const auto shape = o.what == kind::dense ? std::span<const std::size_t>(as_dense)
                                           : std::span<const std::size_t>(as_conv2d);
  const auto weight = source.tensor(sentence<63>(name.view(), ".weight").view(), shape);
  if (!weight) return weight.error();
  load_weights(o, step, *weight, weights + step.weights);
  if (!step.has_bias) return {};
  const std::size_t biases[] = {o.out.channels};
  const auto bias =
      source.tensor(sentence<63>(name.view(), ".bias").view(), std::span<const std::size_t>(biases));
  if (!bias) return bias.error();
  const range outs = step.output_channels;
  for (std::size_t i = outs.begin; i < outs.end; ++i) weights[step.bias + i - outs.begin] = (*bias)[i];
  return {};
}

}  // namespace iop::exec
