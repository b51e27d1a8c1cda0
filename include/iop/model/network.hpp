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

template <class... Operators>
constexpr auto lower() {
  constexpr auto all = lower_chain<Operators...>();
  (void)accept<all.problem>();
  lowered<all.ops.size()> exact;
  for (std::size_t i = 0; i < all.ops.size(); ++i) {
    exact.ops[i] = all.ops[i];
    exact.names[i] = all.names[i];
    exact.norm_names[i] = all.norm_names[i];
  }
  return exact;
}

}  // namespace detail

template <class Input, class... Operators>
struct network {
  static_assert(detail::is_input<Input>, "iop: a network begins with input<channels, height, width>.");
  /// The network as numbers: operators with inferred shapes, and the names of their weights.
  static constexpr auto spec = [] {
    if constexpr (detail::is_input<Input>)
      return detail::lower<Input, Operators...>();
    else
      return lowered<1>{};
  }();
};

/// A struct derived from `network`.
template <class Network>
concept network_type = requires {
  Network::spec.list();
};

}  // namespace iop::model
