// SPDX-License-Identifier: MIT
#pragma once

// A network is a named struct derived from a chain of operator types:
//   struct lenet5 : network<input<1, 28, 28>, conv2d<6, kernel<5>, pad<2>>, relu, max_pool<2>, …> {};
// The chain becomes a hana::tuple once, here, and is lowered to an array of plain structs; nothing later sees
// types.

#include <iop/core/refuse.hpp>
#include <iop/model/operators.hpp>

#include <boost/hana/for_each.hpp>
#include <boost/hana/tuple.hpp>
#include <boost/hana/type.hpp>

#include <cstddef>

namespace iop::model {

namespace detail {

template <class... Operators>
constexpr auto lower_chain() {
  lowering<sizeof...(Operators)> network;
  boost::hana::for_each(boost::hana::tuple_t<Operators...>, [&network](auto type) {
    if (network.problem.empty()) decltype(type)::type::lower(network);
  });
  return network;
}

template <class... Operators>
constexpr auto lower() {
  constexpr auto chain = lower_chain<Operators...>();
  (void)accept<chain.problem>();
  lowered<chain.ops.size()> exact;
  for (std::size_t i = 0; i < chain.ops.size(); ++i) {
    exact.ops[i] = chain.ops[i];
    exact.names[i] = chain.names[i];
  }
  return exact;
}

}  // namespace detail

template <class Input, class... Operators>
struct network {
  /// The network as numbers: operators with inferred shapes, and the names of their weights.
  static constexpr auto spec = detail::lower<Input, Operators...>();
};

/// A struct derived from `network`.
template <class Network>
concept network_type = requires {
  Network::spec.list();
};

}  // namespace iop::model
