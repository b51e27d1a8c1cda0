// SPDX-License-Identifier: MIT
#pragma once

// What it takes to bring a value to where it is needed, by each route.

#include <iop/planner/direct.hpp>

#include <cstddef>
#include <iterator>

namespace iop::planner {

struct move_costs {
  static constexpr double impossible = planner::impossible;
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

/// `impossible` too when it takes as long as `most` or longer.
template <std::size_t Operators, std::size_t Ranks>
constexpr double seconds_by(const problem<Operators, Ranks>& p, const holding<Ranks>& from,
                            const sharing& shared, const layout<Ranks>& needed, route how, double most) {
  const op& o = p.ops[from.tensor];
  if (how == route::direct) return direct_seconds(p, o.out.width, from.of, shared, from.is_partial, needed);
  double seconds = 0;
  layout<Ranks> now = from.of;
  bool is_partial = from.is_partial;
  sharing now_shared = shared;
  bool is_first = true;
  const std::size_t root = collecting_rank(p.ends, needed);
  for (const layout<Ranks>& reached : rounds_of(from.of, is_partial, needed, how, o.out, root)) {
    if (!is_first) now_shared = sharing_of(now, o.out);
    is_first = false;
    seconds += direct_seconds(p, o.out.width, now, now_shared, is_partial, reached);
    if (seconds >= most) return impossible;
    now = reached;
    is_partial = false;
  }
  return seconds;
}

/// What collecting on one rank and sending on takes at least of what nobody holds all of.
template <std::size_t Operators, std::size_t Ranks>
constexpr double least_via_root(const problem<Operators, Ranks>& p, const spread& s, bool is_partial,
                                const shape& extent) {
  const std::size_t messages = s.wanting - 1 + (is_partial ? s.holding - 1 : 0);
  return static_cast<double>(messages) *
         (p.least_message + static_cast<double>(extent.size()) * p.least_per_float);
}

/// `only_quickest`: of the other routes as much may be unknown, and is `impossible` then.
template <std::size_t Operators, std::size_t Ranks>
constexpr move_costs costs_of(const problem<Operators, Ranks>& p, const holding<Ranks>& from,
                              const sharing& shared, const layout<Ranks>& needed,
                              bool only_quickest = false) {
  move_costs costs{};
  for (double& s : costs.seconds) s = move_costs::impossible;
  const auto try_route = [&](route how) {
    const double best = costs.of(costs.quickest);
    const double seconds =
        seconds_by(p, from, shared, needed, how, only_quickest ? best : move_costs::impossible);
    costs.seconds[static_cast<std::size_t>(how)] = seconds;
    if (seconds < best) costs.quickest = how;
  };
  try_route(route::direct);
  costs.has_messages = costs.of(route::direct) > 0;
  if (!costs.has_messages) return costs;
  spread s = spread_of(from.of, needed, p.ops[from.tensor].out);
  if (!s.all_whole) return costs;
  for (const route how : all_routes) {
    if (!pays(s, from.is_partial, how)) continue;
    if (only_quickest && how == route::via_root && (from.is_partial || shared.is_split) &&
        least_via_root(p, s, from.is_partial, p.ops[from.tensor].out) >= costs.of(costs.quickest))
      continue;
    try_route(how);
  }
  return costs;
}

template <std::size_t Operators, std::size_t Ranks>
constexpr move_costs costs_of(const problem<Operators, Ranks>& p, const holding<Ranks>& from,
                              const layout<Ranks>& needed) {
  return costs_of(p, from, sharing_of(from.of, p.ops[from.tensor].out), needed);
}

template <std::size_t Operators, std::size_t Ranks>
constexpr move_costs costs_of(const problem<Operators, Ranks>& p, const value<Ranks>& from,
                              const box (&needed)[Ranks]) {
  return costs_of(p, holding_of(from), layout_of(needed));
}

}  // namespace iop::planner
