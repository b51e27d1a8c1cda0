// SPDX-License-Identifier: MIT
#pragma once

// What it takes to bring a value to where it is needed, by each route.

#include <iop/planner/problem.hpp>

#include <cstddef>
#include <limits>

namespace iop::planner {

struct move_costs {
  static constexpr double impossible = std::numeric_limits<double>::infinity();
  double seconds[std::size(all_routes)];  ///< `impossible` too for routes that cannot beat the direct one
  bool has_messages;
  route quickest;

  constexpr double of(route how) const { return seconds[static_cast<std::size_t>(how)]; }
};

/// A value flattened.
template <std::size_t Ranks>
struct holding {
  std::size_t tensor;
  bool is_partial;
  layout<Ranks> of;

  constexpr value<Ranks> unpacked() const {
    value<Ranks> v{tensor, is_partial, {}};
    for (std::size_t r = 0; r < Ranks; ++r) v.boxes[r] = of[r];
    return v;
  }
  friend constexpr bool operator==(const holding&, const holding&) = default;
};

template <std::size_t Ranks>
constexpr holding<Ranks> holding_of(const value<Ranks>& v) {
  return {v.tensor, v.is_partial, layout_of(v.boxes)};
}

/// Seconds of the messages that turn one layout into another; `impossible` when somebody needs what nobody
/// holds. Adds up what for_each_message and exchange_time would, with fewer calls; of links that are alike,
/// messages and floats are counted first and take their seconds in the end.
template <std::size_t Operators, std::size_t Ranks>
constexpr double direct_seconds(const problem<Operators, Ranks>& p, std::size_t width,
                                const layout<Ranks>& source, bool is_partial, const layout<Ranks>& target) {
  // Copied, as in all that is read often: compilers take several times as long to read through a reference.
  const layout<Ranks> from = source, needed = target;
  const link_table<Ranks>& links = p.links;
  const bool are_alike = links.are_alike;
  double sent_set_up[Ranks]{}, received_set_up[Ranks]{}, sent[Ranks]{}, received[Ranks]{}, all = 0;
  if (is_partial) {
    for (std::size_t r = 0; r < Ranks; ++r) {
      if (needed.bottom[r] == 0) continue;
      const double floats = static_cast<double>((needed.bottom[r] - needed.top[r]) *
                                                (needed.last[r] - needed.first[r]) * width);
      for (std::size_t s = 0; s < Ranks; ++s) {
        if (s == r || from.bottom[s] == 0) continue;
        const double set_up = are_alike ? 1 : links.set_up[s][r];
        const double seconds = are_alike ? floats : floats * links.per_float[s][r];
        sent_set_up[s] += set_up, received_set_up[r] += set_up;
        sent[s] += seconds, received[r] += seconds;
        all += floats;
      }
    }
  } else {
    // Sources are cut along one dimension. Shares that follow one another, as most do, are found without
    // looking at every rank.
    bool by_channel = false, rows_in_order = true, channels_in_order = true;
    std::size_t first = Ranks, row = 0, channel = 0;
    for (std::size_t s = 0; s < Ranks; ++s) {
      if (from.bottom[s] == 0) continue;
      if (first == Ranks) first = s;
      if (from.first[s] != from.first[first] || from.last[s] != from.last[first]) by_channel = true;
      if (from.top[s] < row) rows_in_order = false;
      if (from.first[s] < channel) channels_in_order = false;
      row = from.bottom[s], channel = from.last[s];
    }
    const bool in_order = by_channel ? channels_in_order : rows_in_order;
    const auto& begin = by_channel ? from.first : from.top;
    const auto& end = by_channel ? from.last : from.bottom;
    const auto& side_begin = by_channel ? from.top : from.first;
    const auto& side_end = by_channel ? from.bottom : from.last;
    const auto& wanted_begin = by_channel ? needed.first : needed.top;
    const auto& wanted_end = by_channel ? needed.last : needed.bottom;
    const auto& wanted_side_begin = by_channel ? needed.top : needed.first;
    const auto& wanted_side_end = by_channel ? needed.bottom : needed.last;
    std::size_t messages[Ranks]{};  // sent by each, where several may have the same
    std::size_t start = 0, started_at = 0;
    for (std::size_t r = 0; r < Ranks; ++r) {
      if (needed.bottom[r] == 0) continue;
      const std::size_t stop = wanted_end[r], side_from = wanted_side_begin[r], side_to = wanted_side_end[r];
      std::size_t at = wanted_begin[r];
      // What the rank itself holds of the stretch.
      std::size_t have_begin = stop, have_end = stop;
      if (begin[r] < stop && end[r] > at && side_begin[r] <= side_from && side_to <= side_end[r]) {
        have_begin = begin[r], have_end = end[r];
        if (have_begin <= at) at = have_end;
        if (at >= stop) continue;
      }
      if (at < started_at) start = 0;
      started_at = at;
      while (start < Ranks && end[start] <= at) ++start;
      std::size_t next = start;
      const double line = static_cast<double>((side_to - side_from) * width);
      while (at < stop) {
        std::size_t best = r, reach = at;
        if (in_order) {
          while (next < Ranks && end[next] <= at) ++next;
          if (next < Ranks && next != r && begin[next] <= at && side_begin[next] <= side_from &&
              side_end[next] >= side_to)
            best = next, reach = end[next];
        } else {
          for (std::size_t s = 0; s < Ranks; ++s)
            if (end[s] >= reach && end[s] > at && begin[s] <= at && s != r && side_begin[s] <= side_from &&
                side_end[s] >= side_to && (end[s] > reach || messages[s] < messages[best]))
              best = s, reach = end[s];
          ++messages[best];
        }
        if (best == r) return move_costs::impossible;
        if (reach > stop) reach = stop;
        if (at < have_begin && reach > have_begin) reach = have_begin;
        const double floats = line * static_cast<double>(reach - at);
        const double set_up = are_alike ? 1 : links.set_up[best][r];
        const double seconds = are_alike ? floats : floats * links.per_float[best][r];
        sent_set_up[best] += set_up, received_set_up[r] += set_up;
        sent[best] += seconds, received[r] += seconds;
        all += floats;
        at = reach == have_begin ? have_end : reach;
      }
    }
  }
  const double per_message = are_alike && Ranks > 1 ? links.set_up[0][Ranks - 1] : 1;
  const double per_float = are_alike && Ranks > 1 ? links.per_float[0][Ranks - 1] : 1;
  double longest = 0;
  for (std::size_t r = 0; r < Ranks; ++r) {
    const double seconds =
        (sent_set_up[r] > received_set_up[r] ? sent_set_up[r] : received_set_up[r]) * per_message +
        (sent[r] > received[r] ? sent[r] : received[r]) * per_float;
    if (seconds > longest) longest = seconds;
  }
  return longest + all * links.shared_per_float;
}

template <std::size_t Operators, std::size_t Ranks>
constexpr double seconds_by(const problem<Operators, Ranks>& p, const holding<Ranks>& from,
                            const layout<Ranks>& needed, route how) {
  const op& o = p.ops[from.tensor];
  if (how == route::direct) return direct_seconds(p, o.out.width, from.of, from.is_partial, needed);
  double seconds = 0;
  layout<Ranks> now = from.of;
  bool is_partial = from.is_partial;
  const std::size_t root = collecting_rank(p.ends, needed);
  for (const layout<Ranks>& reached : rounds_of(from.of, is_partial, needed, how, o.out, root)) {
    seconds += direct_seconds(p, o.out.width, now, is_partial, reached);
    now = reached;
    is_partial = false;
  }
  return seconds;
}

template <std::size_t Operators, std::size_t Ranks>
constexpr move_costs costs_of(const problem<Operators, Ranks>& p, const holding<Ranks>& from,
                              const layout<Ranks>& needed) {
  move_costs costs{};
  for (double& s : costs.seconds) s = move_costs::impossible;
  const auto try_route = [&](route how) {
    double& seconds = costs.seconds[static_cast<std::size_t>(how)];
    seconds = seconds_by(p, from, needed, how);
    if (seconds < costs.of(costs.quickest)) costs.quickest = how;
  };
  try_route(route::direct);
  costs.has_messages = costs.of(route::direct) > 0;
  if (!costs.has_messages) return costs;
  const spread s = spread_of(from.of, needed, p.ops[from.tensor].out);
  if (!s.all_whole) return costs;
  for (const route how : all_routes) {
    if (pays(s, from.is_partial, how)) try_route(how);
  }
  return costs;
}

template <std::size_t Operators, std::size_t Ranks>
constexpr move_costs costs_of(const problem<Operators, Ranks>& p, const value<Ranks>& from,
                              const box (&needed)[Ranks]) {
  return costs_of(p, holding_of(from), layout_of(needed));
}

}  // namespace iop::planner
