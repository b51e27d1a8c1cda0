// SPDX-License-Identifier: MIT
#pragma once

// A network is a named struct derived from a chain of operator types:
//   struct lenet5 : network<input<1, 28, 28>, conv2d<6, kernel<5>, pad<2>>, relu, max_pool<2>, …> {};
// The chain is lowered to an array of plain structs once, here; nothing later sees types.

#include <iop/core/refuse.hpp>
#include <iop/model/blocks.hpp>
#include <iop/model/chain.hpp>
#include <iop/model/operators.hpp>

#include <cstddef>

namespace iop::model {

namespace detail {

template <class... Operators>
constexpr auto lower_chain() {
  lowering<chain<Operators...>::operator_count> network;
  chain<Operators...>::lower(network);
  return network;
}

template <class Type>
inline constexpr bool is_input = false;
template <std::size_t Channels, std::size_t Height, std::size_t Width>
inline constexpr bool is_input<input<Channels, Height, Width>> = true;

template <const auto& All>
constexpr auto exactly() {
  lowered<All.ops.size()> exact;
  exact.is_possible = All.problem.empty() && All.ops.size() > 1;
  for (std::size_t i = 0; i < All.ops.size(); ++i) {
    exact.ops[i] = All.ops[i];
    exact.names[i] = All.names[i];
    exact.norm_names[i] = All.norm_names[i];
  }
  return exact;
}

/// Worked out once; where the input is missing, of nothing else.
template <class Input, class... Operators>
inline constexpr auto chain_of = [] {
  if constexpr (is_input<Input>) {
    auto all = lower_chain<Input, Operators...>();
    if (all.ops.size() < 2) all.fail("the network has an input and no operator: give it one.");
    return all;
  } else {
    return lower_chain<input<1, 1, 1>>();
  }
}();

}  // namespace detail

template <class Input, class... Operators>
struct network {
  static_assert(detail::is_input<Input>, "iop: a network begins with input<channels, height, width>.");
  static_assert(accept<detail::chain_of<Input, Operators...>.problem>());
  /// The network as numbers: operators with inferred shapes, and the names of their weights.
  static constexpr auto spec = detail::exactly<detail::chain_of<Input, Operators...>>();
};

/// A struct derived from `network`.
template <class Network>
concept network_type = requires {
  Network::spec.list();
};

}  // namespace iop::model
