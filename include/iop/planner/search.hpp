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

template <std::size_t Operators, std::size_t Ranks>
constexpr bool has_room_to_deliver(const problem<Operators, Ranks>& p, const label<Ranks>& l,
                                   const value<Ranks>& made, const box (&wanted)[Ranks], route how) {
  const auto rounds = rounds_of(made, wanted, how, p.ops[made.tensor].out, collecting_rank(p.ends, wanted));
  const auto moved = room_of(p, made, rounds);
  for (std::size_t r = 0; r < Ranks; ++r)
    if (!has_room(p, r, l.weights[r], std::max(l.peak[r], moved.most[r]))) return false;
  return true;
}

template <std::size_t Operators, std::size_t Ranks>
class searching {
 public:
  constexpr searching(const problem<Operators, Ranks>& p, const choice_lists<Ranks>& choices, policy strategy)
      : p_(p), strategy_(strategy), stages_(p, choices) {}

  /// Plans worse than `limit` seconds are of no interest; at most `width` labels are kept for each value
  /// made. The least time of all is known from below: first only what is near it is looked at.
  constexpr found<Operators, Ranks> run(double limit, std::size_t width) {
    const double least = stages_[0].options[0].arriving;
    for (double slack = 1.0 / 64;; slack += std::max(slack / 4, 1.0 / 64)) {
      const double near = least > 0 && slack < 1 ? least * (1 + slack) : limit;
      const auto result = run_within(std::min(near, limit), width);
      if (result.exists || near >= limit) return result;
    }
  }

 private:
  constexpr found<Operators, Ranks> run_within(double limit, std::size_t width) {
    bool misjudged = false;
    auto result = pass(limit, width, true, misjudged);
    if (!misjudged || !result.is_exact) return result;
    // Others were dropped for a plan whose layout has gaps: now all are kept that end before the one found.
    const auto better = pass(result.exists ? result.seconds : limit, width, false, misjudged);
    if (better.exists) return better;
    result.is_exact = better.is_exact;
    return result;
  }

  /// The input where it starts.
  constexpr frontier<Ranks> start() const {
    frontier<Ranks> first;
    label<Ranks> l;
    l.spine = &stages_[0].options[0];
    l.live.push_back({0, 0});
    if (p_.memory_binds) l.peak[p_.ends.input_rank] = aligned(p_.ops[0].out.size());
    first.labels.push_back(l);
    return first;
  }

  /// `misjudged`: a plan did not fit that seemed to.
  constexpr found<Operators, Ranks> pass(double limit, std::size_t width, bool compares, bool& misjudged) {
    std::vector<frontier<Ranks>> steps;
    steps.reserve(p_.ops.size());
    steps.push_back(start());
    for (std::size_t i = 1; i < p_.ops.size(); ++i)
      steps.push_back(
          expansion<Operators, Ranks>(p_, stages_, i, steps.back(), limit, width, compares).run());

    struct ending {
      double seconds = 0;
      std::size_t label = 0;
      route deliver = route::direct;
    };
    std::vector<ending> endings;
    box wanted[Ranks]{};
    wanted[p_.ends.output_rank] = whole(p_.ops.back().out);
    const frontier<Ranks>& last = steps.back();
    for (std::size_t n = 0; n < last.labels.size(); ++n) {
      const label<Ranks>& l = last.labels[n];
      ending e{0, n, route::direct};
      for (const double c : l.clock) e.seconds = std::max(e.seconds, c);
      const value<Ranks> v = stages_[p_.ops.size() - 1].values[l.live.back().number].held.unpacked();
      if (!provides(v, wanted)) {
        const move_costs costs = costs_of(p_, v, wanted);
        e.deliver = costs.quickest;
        e.seconds += costs.of(e.deliver);
      }
      if (e.seconds < limit && (!p_.memory_binds || has_room_to_deliver(p_, l, v, wanted, e.deliver)))
        endings.push_back(e);
    }
    std::sort(endings.begin(), endings.end(), [](const ending& a, const ending& b) {
      return a.seconds != b.seconds ? a.seconds < b.seconds : b.label > a.label;
    });

    found<Operators, Ranks> result;
    result.is_exact = last.is_complete;
    for (const ending& e : endings) {
      plan<Operators, Ranks> candidate{strategy_, p_.ends, {}, e.deliver};
      std::size_t at = e.label;
      for (std::size_t i = p_.ops.size(); i-- > 0;) {
        const label<Ranks>& l = steps[i].labels[at];
        candidate.decisions[i] = stages_[i].options[l.chosen].chosen.made;
        candidate.decisions[i].fetch = l.fetch;
        at = l.previous;
      }
      if (p_.memory_binds && !fits(p_.ops, *p_.devices, candidate)) {
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

  const problem<Operators, Ranks>& p_;
  policy strategy_;
  staging<Operators, Ranks> stages_;
};

/// Among these choices.
template <std::size_t Operators, std::size_t Ranks>
constexpr found<Operators, Ranks> search(const problem<Operators, Ranks>& p,
                                         const choice_lists<Ranks>& choices, policy strategy, double limit,
                                         std::size_t width) {
  return searching<Operators, Ranks>(p, choices, strategy).run(limit, width);
}

template <std::size_t Operators, std::size_t Ranks>
constexpr found<Operators, Ranks> search(const problem<Operators, Ranks>& p, policy strategy, double limit,
                                         std::size_t width) {
  return search(p, choices_of(p), strategy, limit, width);
}

}  // namespace iop::planner
