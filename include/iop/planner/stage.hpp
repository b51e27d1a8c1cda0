// SPDX-License-Identifier: MIT
#pragma once

// One operator as the search sees it: its options (choices with their times), the distinct values that they
// make, and the distinct boxes of inputs that they need. A query is what the options have in common that need
// the same boxes of each input.

#include <iop/planner/choices.hpp>
#include <iop/planner/layout_table.hpp>

#include <cstddef>
#include <limits>

namespace iop::planner {

inline constexpr std::size_t nowhere = static_cast<std::size_t>(-1);
inline constexpr double no_limit = std::numeric_limits<double>::infinity();

/// Seconds of each rank.
template <std::size_t Ranks>
struct times {
  double of[Ranks];
};

template <std::size_t Ranks, std::size_t Most>
struct stage {
  choice_table<Ranks, Most> options{};
  column<times<Ranks>, Most> seconds{};
  /// What stands for the slowest in bounds: of unlike devices the mean; of equal ones the time of one, the
  /// same one as long as they go on without an exchange.
  column<double, Most> typical{};
  column<std::size_t, Most> typical_rank{};       ///< of equal devices: that one
  column<double, Most> least{};                   ///< of the ranks that make something
  column<double, Most> effort{};                  ///< seconds × FLOP/s of all ranks
  column<rank_set, Most> busy{};                  ///< ranks that make something
  column<std::size_t, Most> made{};               ///< number of the value it makes
  column<std::size_t, Most> asked{};              ///< number of its query
  column<std::size_t, Most * Ranks> weights{};    ///< floats; where memory binds
  column<std::size_t, Most * Ranks> workspace{};  ///< floats; where memory binds

  layout_table<Ranks, Most> values{};            ///< that its options make
  per_input<layout_table<Ranks, Most>> needs{};  ///< of each input

  std::size_t queries = 0;
  column<std::size_t, Most * 4> query_needs{};  ///< of each input
  column<std::size_t, Most> first_option{};     ///< of each query, which begins a segment
  column<std::size_t, Most> last_option{};      ///< of each query
  column<std::size_t, Most> next_option{};      ///< with the same query; or nowhere

  /// Of the values and queries of the operator's twin, if any: the numbers here; or nowhere.
  column<std::size_t, Most> value_of_twin{}, query_of_twin{};
};

}  // namespace iop::planner
