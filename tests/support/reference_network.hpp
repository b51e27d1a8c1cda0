// SPDX-License-Identifier: MIT
#pragma once

// The oracle of distributed runs: the whole network on one device with the plain kernels, operator by
// operator.

#include <iop/deploy/program.hpp>
#include <iop/exec/load.hpp>
#include <iop/kernel/reference.hpp>

#include <algorithm>
#include <cstddef>
#include <span>
#include <vector>

namespace iop_test {

template <class Network, class Weights>
std::vector<float> reference_scores(const Weights& weights, std::span<const float> image) {
  constexpr const auto& network = Network::spec;
  std::vector<std::vector<float>> tensors(network.size());
  tensors[0].assign(image.begin(), image.end());
  for (std::size_t i = 1; i < network.size(); ++i) {
    const iop::op& o = network.ops[i];
    const std::vector<float>& in = tensors[o.inputs[0]];
    std::vector<float>& out = tensors[i];
    out.resize(o.out.size());
    iop::kernel::windowed g =
        iop::deploy::local_geometry(o, iop::whole(o.in), iop::whole(o.in), iop::whole(o.out));
    g.act = o.act;
    switch (o.what) {
      case iop::kind::input:
        break;
      case iop::kind::conv2d:
      case iop::kind::dense: {
        const std::size_t shape[] = {o.out.channels, channels_read(o), o.win.kernel_height,
                                     o.win.kernel_width};
        const auto weight = weights.tensor(std::string(network.names[i].view()) + ".weight", shape);
        const auto bias =
            weights.tensor(std::string(network.names[i].view()) + ".bias", std::span(shape).first(1));
        iop::kernel::reference::conv2d(g, in.data(), weight->data(), o.bias ? bias->data() : nullptr,
                                       out.data());
        break;
      }
      case iop::kind::max_pool:
        iop::kernel::reference::max_pool(g, in.data(), out.data());
        break;
      case iop::kind::average_pool:
        iop::kernel::reference::average_pool(g, o.count_padding, in.data(), out.data());
        break;
      case iop::kind::elementwise:
        out = in;
        iop::kernel::reference::activate(o.act, out.size(), out.data());
        break;
      case iop::kind::softmax:
        iop::kernel::reference::softmax(out.size(), in.data(), out.data());
        break;
    }
  }
  return tensors.back();
}

}  // namespace iop_test
