// SPDX-License-Identifier: MIT
#include "networks.hpp"

#include "support/published_networks.hpp"

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
  using namespace iop_test;
  static const std::vector<network> all = {entry<lenet5>("lenet5"), entry<alexnet>("alexnet"),
                                           entry<vgg11>("vgg11")};
  return all;
}

}  // namespace what_if
