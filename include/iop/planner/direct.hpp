// SPDX-License-Identifier: MIT
#pragma once

// What the messages take that turn one layout into another without going by way of others. It is what
// for_each_message and exchange_time add up; where links are alike, as they mostly are, messages and floats
// are counted first and take their seconds in the end, which compilers interpret several times as fast.

#include <iop/planner/problem.hpp>

#include <cstddef>
#include <limits>

namespace iop::planner {

/// Of a move that cannot be made: somebody needs what nobody holds.
inline constexpr double impossible = std::numeric_limits<double>::infinity();

/// How the ranks share a layout: what they hold differs along one dimension.
struct sharing {
  bool by_channel;  ///< else by rows
  bool is_split;    ///< shares follow one another and are the whole tensor
  bool is_copied;   ///< several hold all of it
};

template <std::size_t Ranks>
constexpr sharing sharing_of(const layout<Ranks>& of, const shape& extent) {
  bool by_channel = false, rows_follow = true, channels_follow = true;
  std::size_t first = Ranks, row = 0, channel = 0;
  for (std::size_t r = 0; r < Ranks; ++r) {
    if (of.rows.end[r] == 0) continue;
    const std::size_t begin = of.channels.begin[r], end = of.channels.end[r];
    if (first == Ranks) first = r;
    if (begin != of.channels.begin[first] || end != of.channels.end[first]) by_channel = true;
    if (of.rows.begin[r] != row || end - begin != extent.channels) rows_follow = false;
    if (begin != channel || of.rows.end[r] - of.rows.begin[r] != extent.height) channels_follow = false;
    row = of.rows.end[r], channel = end;
  }
  bool is_copied = false;
  if (!by_channel && !rows_follow) {
    is_copied = true;
    for (std::size_t r = 0; r < Ranks; ++r)
      if (of.rows.end[r] != 0 && !(of[r] == whole(extent))) is_copied = false;
  }
  return {by_channel,
          by_channel ? channels_follow && channel == extent.channels : rows_follow && row == extent.height,
          is_copied};
}

/// The messages of an exchange and their floats of one column, by rank.
template <std::size_t Ranks>
struct message_counts {
  std::size_t sent[Ranks], received[Ranks], floats_sent[Ranks], floats_received[Ranks];

  /// Where all links are alike.
  constexpr double seconds(const link_table<Ranks>& links, std::size_t width) const {
    const double per_message = Ranks > 1 ? links.set_up[0][Ranks - 1] : 0;
    const double per_float = Ranks > 1 ? links.per_float[0][Ranks - 1] : 0;
    std::size_t all = 0, most_messages = 0, most_floats = 0;
    double longest = 0;
    for (std::size_t r = 0; r < Ranks; ++r) {
      const std::size_t messages = sent[r] > received[r] ? sent[r] : received[r];
      const std::size_t floats = floats_sent[r] > floats_received[r] ? floats_sent[r] : floats_received[r];
      if (messages <= most_messages && floats <= most_floats) continue;
      const double seconds =
          static_cast<double>(messages) * per_message + static_cast<double>(floats * width) * per_float;
      if (seconds > longest) longest = seconds, most_messages = messages, most_floats = floats;
    }
    if (links.shared_per_float <= 0) return longest;
    for (const std::size_t floats : floats_sent) all += floats;
    return longest + static_cast<double>(all * width) * links.shared_per_float;
  }
};

/// Of a partial sum: each rank that needs a box gets every other rank's summand of it.
template <std::size_t Ranks>
constexpr message_counts<Ranks> count_summands(const layout<Ranks>& source, const layout<Ranks>& target) {
  layout<Ranks> needed = target;
  message_counts<Ranks> made{};
  std::size_t area[Ranks]{}, all = 0, holding = 0, wanting = 0;
  for (std::size_t r = 0; r < Ranks; ++r) {
    if ((source.ranks >> r & 1) != 0) ++holding;
    if (needed.rows.end[r] == 0) continue;
    area[r] =
        (needed.rows.end[r] - needed.rows.begin[r]) * (needed.channels.end[r] - needed.channels.begin[r]);
    all += area[r];
    ++wanting;
  }
  for (std::size_t r = 0; r < Ranks; ++r) {
    const std::size_t own = source.ranks >> r & 1, floats = area[r];
    if (own != 0) {
      made.sent[r] = floats > 0 ? wanting - 1 : wanting;
      made.floats_sent[r] = all - floats;
    }
    if (floats == 0) continue;
    made.received[r] = holding - own;
    made.floats_received[r] = (holding - own) * floats;
  }
  return made;
}

/// What is held and what is needed, along the dimension that the source is cut along and across it.
template <std::size_t Ranks>
struct stretches {
  ranges<Ranks> held, held_across, wanted, wanted_across;
};

/// Of a tensor that is split.
template <std::size_t Ranks>
constexpr message_counts<Ranks> count_shares(const stretches<Ranks>& of) {
  stretches<Ranks> here = of;
  message_counts<Ranks> made{};
  std::size_t begin = 0, end = 0, wanting = 0, lines = 0, line[Ranks]{};
  bool is_alike = true;  // all want the same stretch
  for (std::size_t r = 0; r < Ranks && is_alike; ++r) {
    if (here.wanted.end[r] == 0) continue;
    if (wanting == 0) begin = here.wanted.begin[r], end = here.wanted.end[r];
    is_alike = here.wanted.begin[r] == begin && here.wanted.end[r] == end;
    line[r] = here.wanted_across.end[r] - here.wanted_across.begin[r];
    lines += line[r];
    ++wanting;
  }
  if (is_alike) {  // each of those that hold some of it sends to each of those that want it
    std::size_t holding = 0, part[Ranks]{};
    for (std::size_t r = 0; r < Ranks; ++r) {
      const std::size_t from = here.held.begin[r] > begin ? here.held.begin[r] : begin;
      const std::size_t to = here.held.end[r] < end ? here.held.end[r] : end;
      if (to <= from) continue;
      part[r] = to - from;
      ++holding;
    }
    for (std::size_t r = 0; r < Ranks; ++r) {
      const std::size_t mine = part[r], own = line[r];
      if (mine > 0) {
        made.sent[r] = own > 0 ? wanting - 1 : wanting;
        made.floats_sent[r] = mine * (lines - own);
      }
      if (own > 0) {
        made.received[r] = mine > 0 ? holding - 1 : holding;
        made.floats_received[r] = own * (end - begin - mine);
      }
    }
    return made;
  }
  std::size_t first = 0;
  for (std::size_t r = 0; r < Ranks; ++r) {
    const std::size_t stop = here.wanted.end[r];
    if (stop == 0) continue;
    std::size_t at = here.wanted.begin[r];
    if (here.held.begin[first] > at) first = 0;
    while (first + 1 < Ranks && here.held.end[first] <= at) ++first;
    for (std::size_t s = first; s < Ranks && at < stop; ++s) {
      const std::size_t reach = here.held.end[s] < stop ? here.held.end[s] : stop;
      if (reach <= at) continue;
      if (s != r) {
        const std::size_t floats = (reach - at) * (here.wanted_across.end[r] - here.wanted_across.begin[r]);
        ++made.sent[s];
        ++made.received[r];
        made.floats_sent[s] += floats;
        made.floats_received[r] += floats;
      }
      at = reach;
    }
  }
  return made;
}

/// Of a tensor that several hold all of: they take turns.
template <std::size_t Ranks>
constexpr message_counts<Ranks> count_copies(rank_set holders, const layout<Ranks>& target) {
  layout<Ranks> needed = target;
  message_counts<Ranks> made{};
  std::size_t turn = Ranks - 1;
  for (std::size_t r = 0; r < Ranks; ++r) {
    if (needed.rows.end[r] == 0 || (holders >> r & 1) != 0) continue;
    turn = turn + 1 < Ranks ? turn + 1 : 0;
    while ((holders >> turn & 1) == 0) turn = turn + 1 < Ranks ? turn + 1 : 0;
    const std::size_t floats =
        (needed.rows.end[r] - needed.rows.begin[r]) * (needed.channels.end[r] - needed.channels.begin[r]);
    made.sent[turn] += 1;
    made.floats_sent[turn] += floats;
    made.received[r] = 1;
    made.floats_received[r] = floats;
  }
  return made;
}

/// Each missing stretch comes from one rank that holds it; false when nobody does.
template <std::size_t Ranks>
constexpr bool count_pieces(const stretches<Ranks>& of, message_counts<Ranks>& counts) {
  stretches<Ranks> here = of;
  message_counts<Ranks> made{};
  for (std::size_t r = 0; r < Ranks; ++r) {
    const std::size_t stop = here.wanted.end[r];
    if (stop == 0) continue;
    const std::size_t low = here.wanted_across.begin[r], high = here.wanted_across.end[r];
    std::size_t at = here.wanted.begin[r];
    // What the rank itself holds of the stretch.
    std::size_t have_begin = stop, have_end = stop;
    if (here.held.begin[r] < stop && here.held.end[r] > at && here.held_across.begin[r] <= low &&
        high <= here.held_across.end[r]) {
      have_begin = here.held.begin[r], have_end = here.held.end[r];
      if (have_begin <= at) at = have_end;
    }
    while (at < stop) {
      std::size_t best = r, reach = at;
      for (std::size_t s = 0; s < Ranks; ++s)
        if (here.held.end[s] >= reach && here.held.end[s] > at && here.held.begin[s] <= at && s != r &&
            here.held_across.begin[s] <= low && here.held_across.end[s] >= high &&
            (here.held.end[s] > reach || made.sent[s] < made.sent[best]))
          best = s, reach = here.held.end[s];
      if (best == r) return false;
      if (reach > stop) reach = stop;
      if (at < have_begin && reach > have_begin) reach = have_begin;
      const std::size_t floats = (high - low) * (reach - at);
      ++made.sent[best];
      ++made.received[r];
      made.floats_sent[best] += floats;
      made.floats_received[r] += floats;
      at = reach == have_begin ? have_end : reach;
    }
  }
  counts = made;
  return true;
}

/// Seconds of the messages that turn one layout into another; `impossible` when somebody needs what nobody
/// holds.
template <std::size_t Operators, std::size_t Ranks>
constexpr double direct_seconds(const problem<Operators, Ranks>& p, std::size_t width,
                                const layout<Ranks>& source, const sharing& shared, bool is_partial,
                                const layout<Ranks>& target) {
  if constexpr (Ranks == 1) return 0;  // it holds what there is
  if (p.links.are_alike) {
    message_counts<Ranks> counts{};
    if (is_partial) {
      counts = count_summands(source, target);
    } else if (shared.is_copied) {
      counts = count_copies(source.ranks, target);
    } else {
      stretches<Ranks> all{source.rows, source.channels, target.rows, target.channels};
      if (shared.by_channel) all = {source.channels, source.rows, target.channels, target.rows};
      if (shared.is_split)
        counts = count_shares(all);
      else if (!count_pieces(all, counts))
        return impossible;
    }
    return counts.seconds(p.links, width);
  }
  exchange_time<Ranks> time(p.links, width);
  const bool is_possible = for_each_message(
      source, is_partial, target,
      [&](std::size_t from, std::size_t to, std::size_t top, std::size_t bottom, std::size_t first,
          std::size_t last) { time.add(from, to, bottom - top, last - first); });
  return is_possible ? time.seconds() : impossible;
}

}  // namespace iop::planner
