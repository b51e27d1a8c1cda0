// SPDX-License-Identifier: MIT
#pragma once

// The best plan of all: a dynamic programme over the operators in order. Each step extends the labels of the
// step before by every choice for one operator; the best label of the last step that fits the memories is
// followed back. With room for all labels the result is exact.

#include <iop/planner/best_plan.hpp>
#include <iop/planner/expansion.hpp>
#include <iop/planner/progress.hpp>
#include <iop/planner/staging.hpp>

#include <algorithm>
#include <cstddef>
#include <vector>

namespace iop::planner {

/// Labels kept for each value that an operator can make. In all cells of the benchmark's grid four times as
/// many give no better plan.
inline constexpr std::size_t search_width = 16;

template <std::size_t Operators, std::size_t Ranks>
struct found {
  plan<Operators, Ranks> best{};
  double seconds = 0;
  bool exists = false;
  bool is_exact = true;  ///< no plan is better: no label was dropped for lack of room
};

/// The input where it starts.
template <std::size_t Most, std::size_t Operators, std::size_t Ranks>
constexpr frontier<Ranks, Most> start_of(const problem<Operators, Ranks>& p, const stage<Ranks, Most>& first,
                                         const remainders<Ranks, Most>& behind) {
  frontier<Ranks, Most> made(p.memory_binds);
  label<Ranks> l;
  l.behind = behind.behind(0);
  l.busy = first.busy[0], l.typical_rank = first.typical_rank[0];
  l.bound = behind.arriving[0];
  l.live[l.live_count++] = made.values.number_of(first.values[0].held, p.ops[0].out);
  l.peak[p.ends.input_rank] = aligned(p.ops[0].out.size());
  (void)made.push_back(l);
  return made;
}

/// A way to the end of the inference.
struct ending {
  double seconds = 0;
  std::size_t label = 0;
  route deliver = route::direct;
};

/// Those that end within `limit`, the earliest first.
template <std::size_t Most, std::size_t Operators, std::size_t Ranks>
constexpr std::vector<ending> endings_of(const problem<Operators, Ranks>& p,
                                         const frontier<Ranks, Most>& last, double limit) {
  std::vector<ending> endings;
  box wanted[Ranks]{};
  wanted[p.ends.output_rank] = whole(p.ops.back().out);
  const layout<Ranks> needed = layout_of(wanted);
  for (std::size_t n = 0; n < last.count; ++n) {
    ending e{last.latest[n], n, route::direct};
    const holding<Ranks>& made = last.values[last.live[n * most_live + last.live_count[n] - 1]].held;
    if (made.is_partial || !provides(made.of, needed)) {
      const move_costs costs = costs_of(p, made, needed);
      e.deliver = costs.quickest;
      e.seconds += costs.of(e.deliver);
    }
    if (e.seconds >= limit) continue;
    if (p.memory_binds) {
      const value<Ranks> from = made.unpacked();
      const auto moved = room_of(
          p, from,
          rounds_of(from, wanted, e.deliver, p.ops[made.tensor].out, collecting_rank(p.ends, wanted)));
      bool fits = true;
      for (std::size_t r = 0; r < Ranks; ++r)
        fits = fits &&
               has_room(p, r, last.weights[n * Ranks + r], std::max(last.peak[n * Ranks + r], moved.most[r]));
      if (!fits) continue;
    }
    endings.push_back(e);
  }
  std::sort(endings.begin(), endings.end(), [](const ending& a, const ending& b) {
    return a.seconds != b.seconds ? a.seconds < b.seconds : b.label > a.label;
  });
  return endings;
}

template <std::size_t Operators, std::size_t Ranks>
struct pass_result {
  pass_outcome outcome{};
  plan<Operators, Ranks> best{};
};

/// What a pass has looked at. `stage_at(i)` and `frontier_at(i)` give what belongs to operator i.
template <std::size_t Operators, std::size_t Ranks, class Stages, class Frontiers>
constexpr pass_outcome look_back(const problem<Operators, Ranks>& p, Stages&& stage_at,
                                 Frontiers&& frontier_at) {
  const std::size_t last = p.ops.size() - 1;
  pass_outcome seen;
  seen.is_complete = frontier_at(last).is_complete;
  const double operators = static_cast<double>(last + 1);
  for (std::size_t i = 0; i <= last; ++i) {
    const double labels = static_cast<double>(frontier_at(i).count) / operators;
    seen.labels += labels;
    if (labels > 0) seen.reached += 1 / operators;
    if (i < last) seen.tries += labels * static_cast<double>(stage_at(i + 1).options.count);
  }
  return seen;
}

/// The plan behind an ending.
template <std::size_t Operators, std::size_t Ranks, class Stages, class Frontiers>
constexpr plan<Operators, Ranks> follow_back(const problem<Operators, Ranks>& p, policy strategy,
                                             const ending& e, Stages&& stage_at, Frontiers&& frontier_at) {
  plan<Operators, Ranks> found{strategy, p.ends, {}, e.deliver};
  std::size_t at = e.label;
  for (std::size_t i = p.ops.size(); i-- > 0;) {
    const auto& labels = frontier_at(i);
    decision<Ranks> made = stage_at(i).options[labels.chosen[at]].made;
    made.fetch = labels.fetch[at];
    found.decisions[i] = made;
    at = labels.previous[at];
  }
  return found;
}

template <std::size_t Operators, std::size_t Ranks>
class searching {
 public:
  constexpr searching(const problem<Operators, Ranks>& p, const choice_lists<Ranks>& choices, policy strategy)
      : p_(p), strategy_(strategy), stages_(p, choices) {}

  constexpr found<Operators, Ranks> run(double limit, std::size_t width, double least, effort most) const {
    found<Operators, Ranks> result;
    search_progress progress(p_, std::max(least, stages_.least_seconds()), limit, width, most);
    while (!progress.is_done()) {
      const auto got = pass(progress.next());
      progress.take(got.outcome);
      if (!got.outcome.exists()) continue;
      result.best = got.best;
      result.seconds = got.outcome.seconds;
      result.exists = true;
    }
    result.is_exact = progress.is_exact();
    return result;
  }

 private:
  constexpr pass_result<Operators, Ranks> pass(const pass_limits& limits) const {
    std::vector<frontier<Ranks, unbounded>> labels;
    labels.reserve(p_.ops.size());
    labels.push_back(start_of<unbounded>(p_, stages_[0], stages_.behind(0)));
    const spine<Operators>& path = p_.main_path;
    for (std::size_t i = 1; i < p_.ops.size(); ++i) {
      const std::size_t next = path.next[path.before[i]];
      labels.push_back(expansion<unbounded, Operators, Ranks>(
                           p_, i, stages_[i - 1], stages_[i], path.has[i] ? &stages_.behind(i) : nullptr,
                           stages_.behind(next), path.has_side[i - 1] ? &stages_.behind(i - 1) : nullptr,
                           labels[i - 1], limits)
                           .run());
    }
    const auto stage_at = [&](std::size_t i) -> const auto& { return stages_[i]; };
    const auto frontier_at = [&](std::size_t i) -> const auto& { return labels[i]; };
    pass_result<Operators, Ranks> result{look_back(p_, stage_at, frontier_at), {}};
    for (const ending& e : endings_of(p_, labels.back(), limits.seconds)) {
      const auto way = follow_back(p_, strategy_, e, stage_at, frontier_at);
      if (!p_.memory_binds || fits(p_.ops, *p_.devices, way)) {
        result.outcome.seconds = e.seconds;
        result.best = way;
        break;
      }
      result.outcome.is_misjudged = true;
    }
    return result;
  }

  const problem<Operators, Ranks>& p_;
  policy strategy_;
  staging<Operators, Ranks> stages_;
};

/// Among these choices. There is no plan worth looking for that takes less than `least`.
template <std::size_t Operators, std::size_t Ranks>
constexpr found<Operators, Ranks> search(const problem<Operators, Ranks>& p,
                                         const choice_lists<Ranks>& choices, policy strategy, double limit,
                                         std::size_t width, double least = 0, effort most = effort::full) {
  return searching<Operators, Ranks>(p, choices, strategy).run(limit, width, least, most);
}

template <std::size_t Operators, std::size_t Ranks>
constexpr found<Operators, Ranks> search(const problem<Operators, Ranks>& p, policy strategy, double limit,
                                         std::size_t width, double least = 0, effort most = effort::full) {
  return search(p, choices_of(p), strategy, limit, width, least, most);
}

}  // namespace iop::planner
