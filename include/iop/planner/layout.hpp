// SPDX-License-Identifier: MIT
#pragma once

// The boxes that all ranks hold or need of one tensor, in plain arrays, which compilers interpret several
// times as fast as boxes, and the messages that turn one layout into another.

#include <iop/core/rank_set.hpp>
#include <iop/core/shape.hpp>

#include <cstddef>

namespace iop::planner {

/// The boxes of all ranks in plain arrays, which compilers interpret several times as fast as boxes: of each
/// rank the rows [top, bottom) and the channels [first, last). `layout<Ranks>{}` is nothing. It is as plain
/// as that since compilers make plain elements of an array only where they are used.
template <std::size_t Ranks>
struct layout {
  std::size_t top[Ranks], bottom[Ranks], first[Ranks], last[Ranks];
  rank_set ranks;  ///< that have something; the others have zeros

  constexpr void put(std::size_t r, const box b) {
    if (b.rows.end <= b.rows.begin || b.channels.end <= b.channels.begin) return;
    top[r] = b.rows.begin, bottom[r] = b.rows.end;
    first[r] = b.channels.begin, last[r] = b.channels.end;
    ranks |= rank_set{1} << r;
  }
  constexpr box operator[](std::size_t r) const { return {{top[r], bottom[r]}, {first[r], last[r]}}; }

  friend constexpr bool operator==(const layout&, const layout&) = default;
};

template <std::size_t Ranks>
constexpr layout<Ranks> layout_of(const box (&of)[Ranks]) {
  layout<Ranks> made{};
  for (std::size_t r = 0; r < Ranks; ++r) made.put(r, of[r]);
  return made;
}

template <std::size_t Ranks>
constexpr bool provides(const layout<Ranks>& held, const layout<Ranks>& needed) {
  if ((needed.ranks & ~held.ranks) != 0) return false;
  for (std::size_t r = 0; r < Ranks; ++r)
    if (needed.bottom[r] > 0 && (held.top[r] > needed.top[r] || needed.bottom[r] > held.bottom[r] ||
                                 held.first[r] > needed.first[r] || needed.last[r] > held.last[r]))
      return false;
  return true;
}

/// Calls visit(sender, receiver, top, bottom, first, last) for each message that brings a value to the needed
/// boxes: rows [top, bottom) and channels [first, last). Of a
/// partial sum, each rank that needs a box gets every other rank's summand of it. Otherwise each missing
/// stretch comes from one rank that holds it; stops with false where nobody does.
template <std::size_t Ranks, class Visit>
constexpr bool for_each_message(const layout<Ranks>& from, bool is_partial, const layout<Ranks>& needed,
                                Visit&& visit) {
  if (is_partial) {
    for (std::size_t r = 0; r < Ranks; ++r)
      for (std::size_t s = 0; s < Ranks; ++s)
        if (s != r && from.bottom[s] > 0 && needed.bottom[r] > 0)
          visit(s, r, needed.top[r], needed.bottom[r], needed.first[r], needed.last[r]);
    return true;
  }
  // Sources are cut along one dimension: channels if their channel ranges differ, else rows.
  bool by_channel = false;
  std::size_t channels_begin = 0, channels_end = 0;
  for (std::size_t s = 0; s < Ranks; ++s) {
    if (from.bottom[s] == 0) continue;
    if (channels_end == 0) channels_begin = from.first[s], channels_end = from.last[s];
    if (from.first[s] != channels_begin || from.last[s] != channels_end) by_channel = true;
  }
  const auto& begin = by_channel ? from.first : from.top;
  const auto& end = by_channel ? from.last : from.bottom;
  const auto& side_begin = by_channel ? from.top : from.first;
  const auto& side_end = by_channel ? from.bottom : from.last;
  const auto& wanted_begin = by_channel ? needed.first : needed.top;
  const auto& wanted_end = by_channel ? needed.last : needed.bottom;
  const auto& wanted_side_begin = by_channel ? needed.top : needed.first;
  const auto& wanted_side_end = by_channel ? needed.bottom : needed.last;
  std::size_t sent[Ranks]{};  // of several that hold a stretch, the one that has sent the least sends it
  for (std::size_t r = 0; r < Ranks; ++r) {
    if (needed.bottom[r] == 0) continue;
    const std::size_t side_from = wanted_side_begin[r], side_to = wanted_side_end[r], stop = wanted_end[r];
    std::size_t at = wanted_begin[r];
    // What the rank itself holds of the stretch.
    std::size_t have_begin = stop, have_end = stop;
    if (side_begin[r] <= side_from && side_to <= side_end[r] && begin[r] < stop && end[r] > at) {
      have_begin = begin[r] > at ? begin[r] : at;
      have_end = end[r] < stop ? end[r] : stop;
    }
    while (at < stop) {
      if (have_begin <= at && at < have_end) {
        at = have_end;
        continue;
      }
      std::size_t best = r, reach = at;
      for (std::size_t s = 0; s < Ranks; ++s) {
        if (end[s] <= at || begin[s] > at || s == r || side_begin[s] > side_from || side_end[s] < side_to)
          continue;
        if (end[s] > reach || (end[s] == reach && sent[s] < sent[best])) best = s, reach = end[s];
      }
      if (best == r) return false;
      if (reach > stop) reach = stop;
      if (at < have_begin && reach > have_begin) reach = have_begin;
      if (by_channel)
        visit(best, r, side_from, side_to, at, reach);
      else
        visit(best, r, at, reach, side_from, side_to);
      ++sent[best];
      at = reach;
    }
  }
  return true;
}

/// True when together the ranks hold what is needed.
template <std::size_t Ranks>
constexpr bool covers(const layout<Ranks>& held, const layout<Ranks>& needed) {
  return for_each_message(
      held, false, needed,
      [](std::size_t, std::size_t, std::size_t, std::size_t, std::size_t, std::size_t) {});
}

}  // namespace iop::planner
