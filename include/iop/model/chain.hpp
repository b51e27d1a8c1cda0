// SPDX-License-Identifier: MIT
#pragma once

// Operators one after the other, as one type that may stand wherever an operator may: what networks, the
// paths of blocks and users' own building blocks are made of. A `scope` is a chain that names what is in it.

#include <iop/core/text.hpp>
#include <iop/model/lowering.hpp>

#include <boost/hana/for_each.hpp>
#include <boost/hana/tuple.hpp>
#include <boost/hana/type.hpp>

#include <cstddef>

namespace iop::model {

/// How many entries of `lowered::ops` a type becomes at most.
template <class Operator>
inline constexpr std::size_t most_operators = 1;
template <class Operator>
requires(Operator::operator_count >=
         0) inline constexpr std::size_t most_operators<Operator> = Operator::operator_count;

template <class... Operators>
struct chain {
  static constexpr std::size_t operator_count = (most_operators<Operators> + ... + 0);

  template <class Lowering>
  static constexpr void lower(Lowering& network) {
    boost::hana::for_each(boost::hana::tuple_t<Operators...>, [&network](auto type) {
      if (network.problem.empty()) decltype(type)::type::lower(network);
    });
  }
};

/// A chain whose weights are called Name.…: `scope<"layer1.0", conv2d<64>, batch_norm<>>` has the tensors
/// layer1.0.conv1.weight, layer1.0.bn1.weight, …. Default names are numbered from 1 inside, and outside as if
/// it were not there, as in a PyTorch module.
template <text Name, class... Operators>
struct scope {
  static constexpr std::size_t operator_count = chain<Operators...>::operator_count;

  template <class Lowering>
  static constexpr void lower(Lowering& network) {
    const auto outer_prefix = network.prefix;
    const name_counts outer_counts = network.counts;
    network.prefix.append(Name.view()).append(".");
    network.counts = {};
    chain<Operators...>::lower(network);
    network.prefix = outer_prefix;
    network.counts = outer_counts;
  }
};

}  // namespace iop::model
