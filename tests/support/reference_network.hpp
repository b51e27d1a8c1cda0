// SPDX-License-Identifier: MIT
#pragma once

// The oracle of distributed runs: the whole network on one device with the plain kernels, operator by
// operator. Nothing is folded or fused: a convolution, then its batch_norm, then its activation.

#include <iop/deploy/program.hpp>
#include <iop/exec/load.hpp>
#include <iop/kernel/reference.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace iop_test {

/// The tensor `name` with one value per channel.
template <class Weights>
std::vector<double> channel_values(const Weights& weights, std::string_view prefix, const char* part,
                                   std::size_t channels) {
  const auto values = weights.tensor(std::string(prefix) + part, std::span(&channels, 1));
  return std::vector<double>(values->begin(), values->end());
}

/// (x − mean) / √(variance + epsilon) · weight + bias, in place.
template <class Weights>
void batch_norm(const Weights& weights, std::string_view name, const iop::op& o, std::vector<float>& data) {
  const std::size_t channels = o.out.channels;
  const auto weight = channel_values(weights, name, ".weight", channels),
             bias = channel_values(weights, name, ".bias", channels),
             mean = channel_values(weights, name, ".running_mean", channels),
             variance = channel_values(weights, name, ".running_var", channels);
  for (std::size_t i = 0; i < data.size(); ++i) {
    const std::size_t c = i % channels;
    const double deviation = std::sqrt(variance[c] + static_cast<double>(o.norm_epsilon));
    data[i] = static_cast<float>((static_cast<double>(data[i]) - mean[c]) / deviation * weight[c] + bias[c]);
  }
}

/// Operator i from the tensors before it.
template <class Network, class Weights>
void compute_reference(const Weights& weights, std::size_t i, std::vector<std::vector<float>>& tensors) {
  namespace reference = iop::kernel::reference;
  using iop::kernel::compact, iop::kernel::extents;
  constexpr const auto& network = Network::spec;
  const iop::op& o = network.ops[i];
  const std::vector<float>& in = tensors[o.inputs[0]];
  std::vector<float>& out = tensors[i];
  const iop::kernel::windowed g =
      iop::deploy::local_geometry(o, iop::whole(o.in), iop::whole(o.in), iop::whole(o.out));
  switch (o.what) {
    case iop::kind::input:
      break;
    case iop::kind::conv2d:
    case iop::kind::dense: {
      const std::size_t shape[] = {o.out.channels, channels_read(o), o.win.kernel_height, o.win.kernel_width};
      const std::string name(network.names[i].view());
      const auto weight = weights.tensor(name + ".weight", shape);
      iop::result<std::span<const float>> bias = std::span<const float>{};
      if (o.bias && !o.bias_from_norm) bias = weights.tensor(name + ".bias", std::span(shape).first(1));
      reference::conv2d(g, in.data(), weight->data(), bias->data(), out.data());
      if (o.norm) batch_norm(weights, network.norm_names[i].view(), o, out);
      break;
    }
    case iop::kind::max_pool:
      reference::max_pool(g, in.data(), out.data());
      break;
    case iop::kind::average_pool:
      reference::average_pool(g, o.count_padding, in.data(), out.data());
      break;
    case iop::kind::elementwise:
      out = in;
      break;
    case iop::kind::softmax:
      reference::softmax(out.size(), in.data(), out.data());
      break;
    case iop::kind::add: {
      std::fill(out.begin(), out.end(), 0.0f);
      for (const std::size_t input : o.inputs)
        for (std::size_t k = 0; k < out.size(); ++k) out[k] += tensors[input][k];
      break;
    }
    case iop::kind::concat:
      for (std::size_t k = 0; k < o.inputs.size(); ++k) {
        const std::size_t channels = o.parts[k].size();
        reference::copy(compact(o.out.height, o.out.width, channels), tensors[o.inputs[k]].data(),
                        extents{o.out.height, o.out.width, channels, o.out.channels},
                        out.data() + o.parts[k].begin);
      }
      break;
    case iop::kind::local_response_norm:
      reference::local_response_norm(o.response, 0, g.in, in.data(), g.out, out.data());
      break;
  }
  reference::activate({o.act, o.slope}, out.size(), out.data());
}

template <class Network, class Weights>
std::vector<float> reference_scores(const Weights& weights, std::span<const float> image) {
  std::vector<std::vector<float>> tensors(Network::spec.size());
  tensors[0].assign(image.begin(), image.end());
  for (std::size_t i = 1; i < tensors.size(); ++i) {
    tensors[i].resize(Network::spec.ops[i].out.size());
    compute_reference<Network>(weights, i, tensors);
  }
  return tensors.back();
}

}  // namespace iop_test
