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
  column<std::size_t, Most> fullest{},
      floats{};                               ///< the rank that needs the most, and its floats of a column
  column<double, Most> least{};               ///< floats of the rank that needs the least
  column<double, Most> spreading{};           ///< what one rank takes that sends the others theirs
  column<bool, Most> is_cut{};                ///< several ranks need rows with all channels
  std::size_t groups = 0;                     ///< of those that the same ranks need
  column<rank_set, Most> group{};             ///< these ranks
  column<std::size_t, Most> first{}, next{};  ///< of each group, and with the same ranks; or nowhere

  constexpr queries_ahead(const reader_ahead<Most, Operators, Ranks>& reader,
                          const least_move<Operators, Ranks>& moves) {
    if (!reader.exists()) return;
    const auto& needs = reader.own->needs[reader.input];
    count = reader.own->queries;
    grow_all(count, needed, arriving, ranks, fullest, floats, least, spreading, is_cut, group, first, next);
    for (std::size_t k = 0; k < count; ++k) {
      arriving[k] = reader.remains->query_arriving[reader.remains->order[k]];
      needed[k] = needs.entries[reader.own->query_needs[reader.remains->order[k] * 4 + reader.input]];
      layout<Ranks> of = needed[k].held.of;
      for (std::size_t r = 0; r < Ranks; ++r) {
        const std::size_t here =
            (of.rows.end[r] - of.rows.begin[r]) * (of.channels.end[r] - of.channels.begin[r]);
        if (here > floats[k]) floats[k] = here, fullest[k] = r;
      }
      ranks[k] = of.ranks;
      least[k] = needed[k].least;
      spreading[k] = moves.spreading_seconds(needed[k]);
      is_cut[k] = needed[k].all_channels && !needed[k].all_rows && needed[k].count > 1;
      std::size_t g = 0;
      while (g < groups && group[g] != of.ranks) ++g;
      if (g == groups) group[groups++] = of.ranks, first[g] = nowhere;
      next[k] = first[g];
      first[g] = k;
    }
  }
};

}  // namespace iop::planner
