// SPDX-License-Identifier: MIT
#pragma once

// Reads a rank's slices of the weights and packs them for its kernels. Files keep PyTorch's order (output,
// input, height, width); a dense layer behind flatten has its columns in channel, height, width order, which
// makes it a convolution whose kernel is its whole input, so both load alike. A batch_norm behind an operator
// is folded in: w' = w · s and b' = β + (b − μ) · s with s = γ / √(σ² + ε) of each output channel, in double.

#include <iop/core/result.hpp>
#include <iop/core/weights.hpp>
#include <iop/deploy/program.hpp>
#include <iop/kernel/conv2d.hpp>
#include <iop/kernel/winograd.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <iterator>
#include <span>
#include <string_view>

namespace iop::exec {

/// What a batch_norm does to output channel c: x · scale(c) + shift(c). Empty when there is none.
struct folded_norm {
  std::span<const float> weight, bias, mean, variance;
  double epsilon = 0;

  double scale(std::size_t c) const {
    if (weight.empty()) return 1;
    return static_cast<double>(weight[c]) / std::sqrt(static_cast<double>(variance[c]) + epsilon);
  }
  double shift(std::size_t c) const {
    return weight.empty() ? 0 : static_cast<double>(bias[c]) - static_cast<double>(mean[c]) * scale(c);
  }
};

/// Scales are asked for once per weight, in runs of neighbouring channels: these are remembered.
class scale_cache {
 public:
  explicit scale_cache(const folded_norm& norm) : norm_(norm) {}

  double operator()(std::size_t c) {
    entry& e = entries_[c % std::size(entries_)];
    if (e.channel != c) e = {c, norm_.scale(c)};
    return e.scale;
  }

 private:
  struct entry {
    std::size_t channel = static_cast<std::size_t>(-1);
    double scale = 1;
  };
  const folded_norm& norm_;
  entry entries_[kernel::block_channels]{};
};

/// Packs one operator's slice of `weight` (all output × read input channels × kernel). `done` is told of
/// weights that will not be read again: block by block of output channels, which are neighbours in the file
/// and stay neighbours when packed.
template <class Done>
void load_weights(const op& o, const deploy::compute_step& step, std::span<const float> weight,
                  const folded_norm& norm, float* to, const Done& done) {
  const std::size_t ins = channels_read(o), filter_size = ins * kernel_area(o);
  kernel::windowed part = step.geometry;
  const std::size_t outs = part.out.channels, block = part.groups == 1 ? kernel::block_channels : outs;
  for (std::size_t first = 0; first < outs; first += block) {
    part.out.channels = std::min(block, outs - first);
    const std::size_t begin = step.output_channels.begin + first;
    const auto raw = [&](std::size_t out, std::size_t in, std::size_t row, std::size_t column) {
      const std::size_t filter = (begin + out) * ins + step.first_input_channel + in;
      return weight[(filter * o.win.kernel_height + row) * o.win.kernel_width + column];
    };
    const auto pack = [&](const auto& read) {
      step.by_winograd ? kernel::pack_winograd(part, read, to) : kernel::pack_conv2d(part, read, to);
    };
    if (o.norm) {
      scale_cache scale(norm);
      pack([&](std::size_t out, std::size_t in, std::size_t row, std::size_t column) {
        return static_cast<float>(static_cast<double>(raw(out, in, row, column)) * scale(begin + out));
      });
    } else {
      pack(raw);
    }
    to += step.by_winograd ? winograd_weight_count(part.out.channels, part.in.channels)
                           : kernel::packed_size(part);
    done(weight.subspan(begin * filter_size, part.out.channels * filter_size));
  }
}

/// The `count` values of a tensor with one dimension.
template <weight_source Weights>
error load_channels(const Weights& source, const model::tensor_name& name, std::string_view part,
                    std::size_t count, std::span<const float>& values) {
  const auto tensor = source.tensor(sentence<63>(name.view(), part).view(), std::span(&count, 1));
  if (tensor) values = *tensor;
  return tensor.error();
}

/// Loads and packs the slice of one compute step, or says which tensor does not fit.
template <weight_source Weights>
[[gnu::noinline]] error load_step(const Weights& source, const op& o, const model::tensor_name& name,
                                  const model::tensor_name& norm_name, const deploy::compute_step& step,
                                  float* weights) {
  const std::size_t ins = channels_read(o), outs = o.out.channels;
  const std::size_t as_conv2d[] = {outs, ins, o.win.kernel_height, o.win.kernel_width};
  const std::size_t as_dense[] = {outs, ins * kernel_area(o)};
  const auto shape = o.what == kind::dense ? std::span<const std::size_t>(as_dense)
                                           : std::span<const std::size_t>(as_conv2d);
  const auto weight = source.tensor(sentence<63>(name.view(), ".weight").view(), shape);
  if (!weight) return weight.error();
  std::span<const float> bias;
  if (step.has_bias && !o.bias_from_norm)
    if (const error e = load_channels(source, name, ".bias", outs, bias)) return e;
  folded_norm norm;
  if (o.norm) {
    norm.epsilon = static_cast<double>(o.norm_epsilon);
    if (const error e = load_channels(source, norm_name, ".weight", outs, norm.weight)) return e;
    if (const error e = load_channels(source, norm_name, ".bias", outs, norm.bias)) return e;
    if (const error e = load_channels(source, norm_name, ".running_mean", outs, norm.mean)) return e;
    if (const error e = load_channels(source, norm_name, ".running_var", outs, norm.variance)) return e;
  }
  load_weights(o, step, *weight, norm, weights + step.weights, [&](std::span<const float> read) {
    if constexpr (releasing_weight_source<Weights>) source.release(read);
  });
  if (!step.has_bias) return {};
  for (std::size_t c = step.output_channels.begin; c < step.output_channels.end; ++c) {
    const double own = bias.empty() ? 0 : static_cast<double>(bias[c]);
    weights[step.bias + c - step.output_channels.begin] =
        static_cast<float>(own * norm.scale(c) + norm.shift(c));
  }
  return {};
}

}  // namespace iop::exec
