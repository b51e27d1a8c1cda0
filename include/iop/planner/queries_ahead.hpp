// SPDX-License-Identifier: MIT
#pragma once

// The queries of the next operator on the spine as the one before it sees them: in the order of what remains
// from each, with the boxes that they need, and together with those that the same ranks need, so that most
// need not be looked at for a value that only some ranks hold.

#include <iop/planner/least_move.hpp>
#include <iop/planner/remainder.hpp>

#include <cstddef>

namespace iop::planner {

template <std::size_t Most, std::size_t Operators, std::size_t Ranks>
struct queries_ahead {
  std::size_t count = 0;
  column<known_layout<Ranks>, Most> needed{};
  column<double, Most> arriving{};  ///< what remains from there
  column<rank_set, Most> ranks{};
  column<std::size_t, Most> fullest{};        ///< the rank that needs the most
  column<double, Most> most{}, least{};       ///< its floats of a column, and those of who needs the least
  column<double, Most> from_one{};            ///< what remains when one rank sends the others theirs
  column<double, Most> from_others{};         ///< or somebody gets all of the least, without the message
  column<bool, Most> is_cut{};                ///< several ranks need rows with all channels
  std::size_t groups = 0;                     ///< of those that the same ranks need
  column<rank_set, Most> group{};             ///< these ranks
  column<std::size_t, Most> first{}, next{};  ///< of each group, and with the same ranks; or nowhere

  constexpr queries_ahead(const reader_ahead<Most, Operators, Ranks>& reader,
                          const least_move<Operators, Ranks>& moves) {
    if (!reader.exists()) return;
    const auto& needs = reader.own->needs[reader.input];
    count = reader.own->queries;
    grow_all(count, needed, arriving, ranks, fullest, most, least, from_one, from_others, is_cut, group,
             first, next);
    for (std::size_t k = 0; k < count; ++k) {
      const std::size_t query = reader.remains->order[k];
      arriving[k] = reader.remains->query_arriving[query];
      needed[k] = needs.entries[reader.own->query_needs[query * 4 + reader.input]];
      const rank_set ranks_here = needed[k].held.of.ranks;
      ranks[k] = ranks_here;
      fullest[k] = needed[k].fullest;
      most[k] = needed[k].most, least[k] = needed[k].least;
      from_one[k] = arriving[k] + moves.spreading_seconds(needed[k]);
      from_others[k] = arriving[k] + moves.least_sending(needed[k]);
      is_cut[k] = needed[k].all_channels && !needed[k].all_rows && needed[k].count > 1;
      std::size_t g = 0;
      while (g < groups && group[g] != ranks_here) ++g;
      if (g == groups) group[groups++] = ranks_here, first[g] = nowhere;
      next[k] = first[g];
      first[g] = k;
    }
  }
};

}  // namespace iop::planner
