// SPDX-License-Identifier: MIT
#pragma once

// The best plan of all: a dynamic programme over the operators in order (design section 5). Each stage
// extends the labels of the stage before by every choice for one operator; the best label of the last stage
// that fits the memories is followed back. With room for all labels the result is exact.

#include <iop/planner/frontier.hpp>

#include <algorithm>
#include <cstddef>
#include <limits>
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

template <std::size_t Operators, std::size_t Ranks>
constexpr bool fits(op_list ops, const cluster<Ranks>& c, const plan<Operators, Ranks>& p) {
  const auto all = spell_out(ops, p);
  for (std::size_t r = 0; r < Ranks; ++r)
    if (footprint_of(ops, p, all, r).bytes() > c.devices[r].memory.bytes) return false;
  return true;
}

/// The first stage: the input where it starts.
template <std::size_t Operators, std::size_t Ranks>
constexpr frontier<Ranks> start_of(const problem<Operators, Ranks>& p) {
  frontier<Ranks> first;
  label<Ranks> l;
  l.made = decide_single<Ranks>(p.ops[0], p.ends.input_rank);
  l.live.push_back(0);
  value<Ranks> image{0, false, {}};
  image.boxes[p.ends.input_rank] = whole(p.ops[0].out);
  if (p.memory_binds) l.peak[p.ends.input_rank] = aligned(p.ops[0].out.size());
  first.labels.push_back(l);
  first.values.push_back(image);
  return first;
}

template <std::size_t Operators, std::size_t Ranks>
constexpr bool has_room_to_deliver(const problem<Operators, Ranks>& p, const label<Ranks>& l,
                                   const value<Ranks>& made, const box (&wanted)[Ranks], route how) {
  const auto rounds = rounds_of(made, wanted, how, p.ops[made.tensor].out, collecting_rank(p.ends, wanted));
  const auto moved = room_of(p, made, rounds);
  for (std::size_t r = 0; r < Ranks; ++r)
    if (!has_room(p, r, l.weights[r], std::max(l.peak[r], moved.most[r]))) return false;
  return true;
}

/// One pass. `is_exact`: no label was dropped for lack of room. `misjudged`: a plan did not fit that seemed
/// to.
template <std::size_t Operators, std::size_t Ranks>
constexpr found<Operators, Ranks> search_once(const problem<Operators, Ranks>& p,
                                              const choice_lists<Ranks>& choices, policy strategy,
                                              double limit, std::size_t width, bool compares,
                                              bool& misjudged) {
  std::vector<frontier<Ranks>> stages;
  stages.push_back(start_of(p));
  for (std::size_t i = 1; i < p.ops.size(); ++i)
    stages.push_back(
        expansion<Operators, Ranks>(p, i, choices[i], stages.back(), limit, width, compares).run());

  struct ending {
    double seconds = 0;
    std::size_t label = 0;
    route deliver = route::direct;
  };
  std::vector<ending> endings;
  box wanted[Ranks]{};
  wanted[p.ends.output_rank] = whole(p.ops.back().out);
  const frontier<Ranks>& last = stages.back();
  for (std::size_t n = 0; n < last.labels.size(); ++n) {
    const label<Ranks>& l = last.labels[n];
    ending e{0, n, route::direct};
    for (const double c : l.clock) e.seconds = std::max(e.seconds, c);
    const value<Ranks>& v = last.values[l.live.back()];
    if (!provides(v, wanted)) {
      const move_costs costs = costs_of(p, v, wanted);
      e.deliver = costs.quickest;
      e.seconds += costs.of(e.deliver);
    }
    if (e.seconds < limit && (!p.memory_binds || has_room_to_deliver(p, l, v, wanted, e.deliver)))
      endings.push_back(e);
  }
  std::sort(endings.begin(), endings.end(), [](const ending& a, const ending& b) {
    return a.seconds != b.seconds ? a.seconds < b.seconds : b.label > a.label;
  });

  found<Operators, Ranks> result;
  result.is_exact = last.is_complete;
  for (const ending& e : endings) {
    plan<Operators, Ranks> candidate{strategy, p.ends, {}, e.deliver};
    std::size_t at = e.label;
    for (std::size_t i = p.ops.size(); i-- > 0;) {
      candidate.decisions[i] = stages[i].labels[at].made;
      at = stages[i].labels[at].previous;
    }
    if (p.memory_binds && !fits(p.ops, *p.devices, candidate)) {
      misjudged = true;
      continue;
    }
    result.best = candidate;
    result.seconds = e.seconds;
    result.exists = true;
    break;
  }
  return result;
}

/// Among these choices. Plans worse than `limit` seconds are of no interest; at most `width` labels are kept
/// for each value made.
template <std::size_t Operators, std::size_t Ranks>
constexpr found<Operators, Ranks> search(const problem<Operators, Ranks>& p,
                                         const choice_lists<Ranks>& choices, policy strategy, double limit,
                                         std::size_t width) {
  bool misjudged = false;
  auto result = search_once(p, choices, strategy, limit, width, true, misjudged);
  if (!misjudged || !result.is_exact) return result;
  // Others were dropped for a plan whose layout has gaps: now all are kept that end before the one found.
  const auto better =
      search_once(p, choices, strategy, result.exists ? result.seconds : limit, width, false, misjudged);
  if (better.exists) return better;
  result.is_exact = better.is_exact;
  return result;
}

template <std::size_t Operators, std::size_t Ranks>
constexpr found<Operators, Ranks> search(const problem<Operators, Ranks>& p, policy strategy, double limit,
                                         std::size_t width) {
  return search(p, choices_of(p), strategy, limit, width);
}

}  // namespace iop::planner
