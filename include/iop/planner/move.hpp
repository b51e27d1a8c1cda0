// SPDX-License-Identifier: MIT
#pragma once

// What it takes to bring a value to where it is needed, by each route.

#include <iop/planner/choices.hpp>

#include <cstddef>
#include <limits>

namespace iop::planner {

struct move_costs {
  static constexpr double impossible = std::numeric_limits<double>::infinity();
  double seconds[std::size(all_routes)]{};  ///< `impossible` too for routes that cannot beat the direct one
  bool has_messages = false;
  route quickest = route::direct;

  constexpr double of(route how) const { return seconds[static_cast<std::size_t>(how)]; }
};

/// A value flattened.
template <std::size_t Ranks>
struct holding {
  std::size_t tensor = 0;
  bool is_partial = false;
  layout<Ranks> of{};

  constexpr holding() = default;
  constexpr explicit holding(const value<Ranks>& v)
      : tensor(v.tensor), is_partial(v.is_partial), of(v.boxes) {}

  constexpr value<Ranks> unpacked() const {
    value<Ranks> v{tensor, is_partial, {}};
    for (std::size_t r = 0; r < Ranks; ++r) v.boxes[r] = of[r];
    return v;
  }
  friend constexpr bool operator==(const holding&, const holding&) = default;
};

template <std::size_t Operators, std::size_t Ranks>
constexpr double seconds_by(const problem<Operators, Ranks>& p, const holding<Ranks>& from,
                            const layout<Ranks>& needed, route how) {
  const op& o = p.ops[from.tensor];
  double seconds = 0;
  bool is_possible = true;
  const auto add = [&](const layout<Ranks>& source, bool is_partial, const layout<Ranks>& wanted) {
    exchange_time<Ranks> time(p.links, o.out.width);
    const bool is_complete = for_each_message(
        source, is_partial, wanted,
        [&](std::size_t s, std::size_t r, std::size_t top, std::size_t bottom, std::size_t first,
            std::size_t last) { time.add(s, r, bottom - top, last - first); });
    is_possible = is_possible && is_complete;
    seconds += time.seconds();
  };
  if (how == route::direct) {
    add(from.of, from.is_partial, needed);
  } else {
    layout<Ranks> now = from.of;
    bool is_partial = from.is_partial;
    const std::size_t root = collecting_rank(p.ends, needed);
    for (const layout<Ranks>& reached : rounds_of(from.of, is_partial, needed, how, o.out, root)) {
      add(now, is_partial, reached);
      now = reached;
      is_partial = false;
    }
  }
  return is_possible ? seconds : move_costs::impossible;
}

template <std::size_t Operators, std::size_t Ranks>
constexpr move_costs costs_of(const problem<Operators, Ranks>& p, const holding<Ranks>& from,
                              const layout<Ranks>& needed) {
  move_costs costs;
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
  return costs_of(p, holding<Ranks>(from), layout<Ranks>(needed));
}

}  // namespace iop::planner
