// SPDX-License-Identifier: MIT
#pragma once

// A plan spelled out, and what each rank holds for it, as constants: each is worked out once for all that ask
// for it, in pieces that no compiler finds too long (search_pieces.hpp).

#include <iop/planner/footprint.hpp>

#include <algorithm>
#include <cstddef>

namespace iop::planner {

template <const auto& Spec, const auto& Plan>
struct spelled {
 private:
  static constexpr std::size_t operators = Spec.size();
  /// A piece's operators: with more ranks each has more messages.
  static constexpr std::size_t piece = std::max<std::size_t>(1, 96 / Plan.ranks());

  template <std::size_t End>
  static constexpr auto spell_until() {
    constexpr std::size_t begin = (End - 1) / piece * piece;
    if constexpr (begin == 0)
      return spell_out(Spec.list(), Plan, {0, End});
    else
      return go_on(Spec.list(), Plan, {begin, End}, until<begin>);
  }
  template <std::size_t End>
  static constexpr auto until = spell_until<End>();

 public:
  static constexpr const auto& steps = until<operators>;
  template <std::size_t Rank>
  static constexpr auto layout = lay_out(Spec.list(), Plan, steps, Rank);
  template <std::size_t Rank>
  static constexpr footprint needs = footprint_of(Spec.list(), Plan, layout<Rank>, Rank);
};

}  // namespace iop::planner
