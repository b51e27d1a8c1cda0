// SPDX-License-Identifier: MIT
#pragma once

// What remains on the way to the next operator with several inputs. A query of that one needs boxes of each
// input: what is left along the spine and what bringing the other input there takes belong together, so both
// are known by query. Without, a search learns too late what a skipped tensor's place costs. Only the most
// promising queries are told apart, and only for values behind which little enough remains: of the others
// (`nowhere`) one figure is known for all ways.

#include <iop/planner/column.hpp>
#include <iop/planner/least_move.hpp>

#include <cstddef>

namespace iop::planner {

/// Queries told apart; the last stands for all others.
inline constexpr std::size_t most_ways = 24;

/// Of an operator on the spine.
template <std::size_t Ranks, std::size_t Most>
struct ways_to_join {
  std::size_t count = 0;  ///< 0: it has none
  std::size_t known = 0;  ///< of them; nothing is known of the last if that stands for several
  known_layout<Ranks> needed[most_ways]{};  ///< of the other input

  column<std::size_t, Most> row{};  ///< begin of each option's, in the next two; nowhere: not told apart
  column<double, Most * most_ways> onward{}, fewer{};  ///< see `remainder`
  column<std::size_t, Most> query_row{};               ///< begin of each query's, in the next one; or nowhere
  column<double, Most * most_ways> arriving{};         ///< from an exchange

  /// The least of what one rank misses, wherever the others have theirs from.
  template <std::size_t Operators>
  constexpr double fetching(const least_move<Operators, Ranks>& moves, const known_layout<Ranks>& source,
                            std::size_t way) const {
    return way < known ? moves.missing_seconds(source, needed[way]) : 0;
  }
};

}  // namespace iop::planner
