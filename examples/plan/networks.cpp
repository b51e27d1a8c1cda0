// SPDX-License-Identifier: MIT
#include "networks.hpp"

#include <iop/zoo/alexnet.hpp>
#include <iop/zoo/lenet5.hpp>
#include <iop/zoo/mobilenet.hpp>
#include <iop/zoo/resnet.hpp>
#include <iop/zoo/squeezenet.hpp>
#include <iop/zoo/vgg.hpp>

#include <algorithm>

namespace what_if {

namespace {

/// Operators with weights are called as their tensors are; the others by what they do, numbered where there
/// are several.
template <std::size_t Count>
std::vector<std::string> label(const iop::model::lowered<Count>& spec) {
  std::vector<std::string> names;
  for (std::size_t i = 0; i < Count; ++i) {
    std::string_view name = spec.names[i].view();
    if (name.empty() && spec.ops[i].what == iop::kind::elementwise) name = name_of(spec.ops[i].act);
    names.emplace_back(name.empty() ? name_of(spec.ops[i].what) : name);
  }
  std::vector<std::string> labels = names;
  for (std::size_t i = 0; i < Count; ++i)
    if (std::count(names.begin(), names.end(), names[i]) > 1)
      labels[i] +=
          std::to_string(std::count(names.begin(), names.begin() + static_cast<int>(i), names[i]) + 1);
  return labels;
}

template <class Network>
network entry(std::string_view name) {
  static_assert(Network::spec.size() <= most_operators, "raise most_operators");
  return {name, Network::spec.list(), label(Network::spec)};
}

}  // namespace

const std::vector<network>& networks() {
  namespace zoo = iop::zoo;
  static const std::vector<network> all = {entry<zoo::lenet5>("lenet5"),
                                           entry<zoo::alexnet>("alexnet"),
                                           entry<zoo::alexnet_lrn>("alexnet_lrn"),
                                           entry<zoo::vgg11>("vgg11"),
                                           entry<zoo::vgg13>("vgg13"),
                                           entry<zoo::vgg16>("vgg16"),
                                           entry<zoo::vgg19>("vgg19"),
                                           entry<zoo::resnet18>("resnet18"),
                                           entry<zoo::resnet50>("resnet50"),
                                           entry<zoo::mobilenet_v1>("mobilenet_v1"),
                                           entry<zoo::mobilenet_v2>("mobilenet_v2"),
                                           entry<zoo::squeezenet1_1>("squeezenet1_1")};
  return all;
}

}  // namespace what_if
