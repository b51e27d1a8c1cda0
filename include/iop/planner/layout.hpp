// SPDX-License-Identifier: MIT
#pragma once

// The boxes that all ranks hold or need of one tensor, in plain arrays, which compilers interpret several
// times as fast as boxes, and the messages that turn one layout into another.

#include <iop/core/rank_set.hpp>
#include <iop/core/shape.hpp>

#include <array>
#include <cstddef>

namespace iop::planner {

/// Of each rank a range [begin, end) of one dimension.
template <std::size_t Ranks>
struct ranges {
  std::size_t begin[Ranks], end[Ranks];

  friend constexpr bool operator==(const ranges&, const ranges&) = default;
};

template <std::size_t Ranks>
constexpr ranges<Ranks> ranges_of(const std::array<range, Ranks>& of) {
  ranges<Ranks> made{};
  for (std::size_t r = 0; r < Ranks; ++r) made.begin[r] = of[r].begin, made.end[r] = of[r].end;
  return made;
}

/// The boxes of all ranks in plain arrays, which compilers interpret several times as fast as boxes.
/// `layout<Ranks>{}` is nothing. It is as plain as that since compilers make plain elements of an array only
/// where they are used.
template <std::size_t Ranks>
struct layout {
  ranges<Ranks> rows, channels;
  rank_set ranks;  ///< that have something; the others have zeros

  constexpr void put(std::size_t r, const box b) {
    if (b.rows.end <= b.rows.begin || b.channels.end <= b.channels.begin) return;
    rows.begin[r] = b.rows.begin, rows.end[r] = b.rows.end;
    channels.begin[r] = b.channels.begin, channels.end[r] = b.channels.end;
    ranks |= rank_set{1} << r;
  }
  constexpr box operator[](std::size_t r) const {
    return {{rows.begin[r], rows.end[r]}, {channels.begin[r], channels.end[r]}};
  }

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
    if (needed.rows.end[r] > 0 &&
        (held.rows.begin[r] > needed.rows.begin[r] || needed.rows.end[r] > held.rows.end[r] ||
         held.channels.begin[r] > needed.channels.begin[r] || needed.channels.end[r] > held.channels.end[r]))
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
        if (s != r && from.rows.end[s] > 0 && needed.rows.end[r] > 0)
          visit(s, r, needed.rows.begin[r], needed.rows.end[r], needed.channels.begin[r],
                needed.channels.end[r]);
    return true;
  }
  // Sources are cut along one dimension: channels if their channel ranges differ, else rows.
  bool by_channel = false;
  std::size_t channels_begin = 0, channels_end = 0;
  for (std::size_t s = 0; s < Ranks; ++s) {
    if (from.rows.end[s] == 0) continue;
    if (channels_end == 0) channels_begin = from.channels.begin[s], channels_end = from.channels.end[s];
    if (from.channels.begin[s] != channels_begin || from.channels.end[s] != channels_end) by_channel = true;
  }
  const ranges<Ranks> cut = by_channel ? from.channels : from.rows;
  const ranges<Ranks> side = by_channel ? from.rows : from.channels;
  const ranges<Ranks> wanted = by_channel ? needed.channels : needed.rows;
  const ranges<Ranks> wanted_side = by_channel ? needed.rows : needed.channels;
  // Mostly shares follow one another: one rank holds what is missing, and what follows is another's behind
  // it.
  bool in_order = true;
  std::size_t end = 0;
  for (std::size_t s = 0; s < Ranks; ++s) {
    if (from.rows.end[s] == 0) continue;
    if (cut.begin[s] < end) in_order = false;
    end = cut.end[s];
  }
  std::size_t sent[Ranks]{};  // of several that hold a stretch, the one that has sent the least sends it
  for (std::size_t r = 0; r < Ranks; ++r) {
    if (needed.rows.end[r] == 0) continue;
    const std::size_t side_from = wanted_side.begin[r], side_to = wanted_side.end[r], stop = wanted.end[r];
    std::size_t at = wanted.begin[r];
    // What the rank itself holds of the stretch.
    std::size_t have_begin = stop, have_end = stop;
    if (side.begin[r] <= side_from && side_to <= side.end[r] && cut.begin[r] < stop && cut.end[r] > at) {
      have_begin = cut.begin[r] > at ? cut.begin[r] : at;
      have_end = cut.end[r] < stop ? cut.end[r] : stop;
    }
    std::size_t first = 0;
    while (at < stop) {
      if (have_begin <= at && at < have_end) {
        at = have_end;
        continue;
      }
      std::size_t best = r, reach = at;
      for (std::size_t s = first; s < Ranks; ++s) {
        if (cut.end[s] <= at || cut.begin[s] > at || s == r || side.begin[s] > side_from ||
            side.end[s] < side_to)
          continue;
        if (cut.end[s] > reach || (cut.end[s] == reach && sent[s] < sent[best])) best = s, reach = cut.end[s];
        if (in_order) break;
      }
      if (best == r) return false;
      if (reach > stop) reach = stop;
      if (at < have_begin && reach > have_begin) reach = have_begin;
      if (by_channel)
        visit(best, r, side_from, side_to, at, reach);
      else
        visit(best, r, at, reach, side_from, side_to);
      ++sent[best];
      if (in_order) first = best;
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
