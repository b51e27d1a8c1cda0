// SPDX-License-Identifier: MIT
#include "zoo.hpp"

#include <iop/zoo/alexnet.hpp>
#include <iop/zoo/lenet5.hpp>
#include <iop/zoo/mobilenet.hpp>
#include <iop/zoo/resnet.hpp>
#include <iop/zoo/vgg.hpp>

#include <algorithm>
#include <stdexcept>
#include <string>

namespace iop_bench {

namespace {

template <class Network>
network entry(std::string_view name) {
  return {name, Network::spec.list(), Network::spec.names, Network::spec.norm_names};
}

}  // namespace

const std::vector<network>& networks() {
  namespace zoo = iop::zoo;
  static const std::vector<network> all = {
      entry<zoo::lenet5>("lenet5"),     entry<zoo::alexnet>("alexnet"),
      entry<zoo::vgg11>("vgg11"),       entry<zoo::vgg16>("vgg16"),
      entry<zoo::resnet18>("resnet18"), entry<zoo::mobilenet_v2>("mobilenet_v2")};
  return all;
}

const network& find_network(std::string_view name) {
  const auto at = std::ranges::find(networks(), name, &network::name);
  if (at == networks().end())
    throw std::invalid_argument("no network '" + std::string(name) + "' is measured");
  return *at;
}

}  // namespace iop_bench
