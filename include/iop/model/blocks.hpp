// SPDX-License-Identifier: MIT
#pragma once

// Blocks: paths that start at the same activation and meet again, by addition or side by side. They nest.
//   residual<conv2d<…>, batch_norm<>, relu, conv2d<…>, batch_norm<>>, relu
//   residual<project<conv2d<…>, batch_norm<>>, conv2d<…>, …>           the skip is computed, not the identity
//   concat<branch<conv2d<…>, relu>, branch<max_pool<…>>, branch<>>     an empty branch is the identity

#include <iop/model/chain.hpp>

#include <boost/hana/for_each.hpp>
#include <boost/hana/tuple.hpp>
#include <boost/hana/type.hpp>

#include <cstddef>

namespace iop::model {

/// The skip of the residual block it stands in.
template <class... Operators>
struct project {
  static_assert(sizeof...(Operators) > 0,
                "iop: project<> is empty: leave it out where the skip is the input itself.");
  using steps = chain<Operators...>;
  static constexpr std::size_t operator_count = steps::operator_count;
  template <class Lowering>
  static constexpr void lower(Lowering& network) {
    network.fail("project stands outside of a residual: put it inside residual<...>.");
  }
};

/// One of the paths of the concat it stands in.
template <class... Operators>
struct branch {
  using steps = chain<Operators...>;
  static constexpr std::size_t operator_count = steps::operator_count;
  template <class Lowering>
  static constexpr void lower(Lowering& network) {
    network.fail("branch stands outside of a concat: put it inside concat<...>.");
  }
};

template <class Part>
inline constexpr bool is_project = false;
template <class... Operators>
inline constexpr bool is_project<project<Operators...>> = true;

template <class Part>
inline constexpr bool is_branch = false;
template <class... Operators>
inline constexpr bool is_branch<branch<Operators...>> = true;

/// main path + skip. The parts are the main path; a `project` among them, wherever it stands, is the skip,
/// which is the block's input otherwise. Both must have the same shape; an activation behind the block
/// becomes part of the addition.
template <class... Parts>
struct residual {
  static_assert((is_project<Parts> + ... + 0) <= 1, "iop: residual takes one project<...> at most.");
  static constexpr std::size_t operator_count = 1 + (most_operators<Parts> + ... + 0);

  template <class Lowering>
  static constexpr void lower(Lowering& network) {
    const path entry = network.at;
    network.start_path(entry);
    lower_parts<true>(network);
    const path skip = network.at;
    network.start_path(entry);
    lower_parts<false>(network);
    const path main = network.at;
    if (!network.problem.empty()) return;
    if (main.end == entry.end)
      return network.fail("residual: its main path computes nothing: put operators into residual<...>.");
    const shape sum = network.ops[main.end].out, added = network.ops[skip.end].out;
    if (sum != added)
      return network.fail("residual: the main path makes ", sum.channels, "x", sum.height, "x", sum.width,
                          " but the skip ", added.channels, "x", added.height, "x", added.width, ": ",
                          (is_project<Parts> || ...) ? "give both paths the same channels and strides."
                                                     : "add a project<conv2d<...>> that makes this of it.");
    op next{kind::add, activation::none, {}, {}, sum};
    next.inputs.push_back(main.end);  // first, because it is the operator right before
    next.inputs.push_back(skip.end);
    network.append(next);
    network.at.is_flat = main.is_flat || skip.is_flat;
  }

 private:
  template <bool OfSkip, class Lowering>
  static constexpr void lower_parts(Lowering& network) {
    boost::hana::for_each(boost::hana::tuple_t<Parts...>, [&network](auto type) {
      using part = typename decltype(type)::type;
      if (!network.problem.empty()) return;
      if constexpr (OfSkip && is_project<part>)
        part::steps::lower(network);
      else if constexpr (!OfSkip && !is_project<part>)
        part::lower(network);
    });
  }
};

/// The results of 2 to 4 branches, one behind the other along the channels. Heights and widths must agree.
template <class... Branches>
struct concat {
  static_assert((is_branch<Branches> && ...), "iop: concat takes branch<...>, branch<...>, ….");
  static_assert(sizeof...(Branches) >= 2 && sizeof...(Branches) <= 4,
                "iop: concat takes 2 to 4 branches; nest concats for more.");
  static constexpr std::size_t operator_count = 1 + (most_operators<Branches> + ... + 0);

  template <class Lowering>
  static constexpr void lower(Lowering& network) {
    const path entry = network.at;
    op joined{kind::concat};
    boost::hana::for_each(boost::hana::tuple_t<Branches...>, [&](auto type) {
      network.start_path(entry);
      decltype(type)::type::steps::lower(network);
      join(network, joined);
    });
    network.append(joined);
  }

 private:
  template <class Lowering>
  static constexpr void join(Lowering& network, op& joined) {
    if (!network.problem.empty()) return;
    const shape next = network.current();
    const std::size_t number = joined.inputs.size() + 1;
    // Flattened activations stay in HWC order, so they would not be one behind the other.
    if (network.at.is_flat && next.height * next.width != 1)
      return network.fail("concat: branch ", number, " is flattened: put flatten behind concat.");
    if (number == 1) joined.out = {0, next.height, next.width};
    if (next.height != joined.out.height || next.width != joined.out.width)
      return network.fail("concat: branch 1 makes ", joined.out.height, "x", joined.out.width,
                          " pixels but branch ", number, " makes ", next.height, "x", next.width,
                          ": give them the same strides and matching pads.");
    joined.inputs.push_back(network.at.end);
    joined.parts.push_back({joined.out.channels, joined.out.channels + next.channels});
    joined.out.channels += next.channels;
  }
};

}  // namespace iop::model
