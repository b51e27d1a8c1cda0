// SPDX-License-Identifier: MIT
#pragma once

// The policies that search: `fused_spatial` among rows, `optimal` among all there is. Where memory is tight,
// `optimal` also asks the other policies, plans of last resort, and plans that would fit with a little more
// memory, whose cuts are then shifted.

#include <iop/planner/best_plan.hpp>
#include <iop/planner/cut_shifting.hpp>
#include <iop/planner/filling.hpp>
#include <iop/planner/search.hpp>
#include <iop/planner/segmentation.hpp>

#include <algorithm>
#include <cstddef>
#include <iterator>
#include <limits>
#include <span>

namespace iop::planner {

/// What a search looks at: the quickest plan of all, or plans that fit; of the latter first those of all
/// devices at once, which are few, then all.
enum class reach : unsigned char { any_memory, all_devices, everything };

/// What the searches of `fused_spatial` and `optimal` may use.
constexpr allowances allowed_to(policy strategy, reach how_far) {
  allowances all;
  if (strategy == policy::fused_spatial)
    all = {
        .single = false, .input_channel = false, .interleaved = false, .subsets = false, .rows_first = true};
  if (how_far == reach::all_devices) all.subsets = false;
  all.any_memory = how_far == reach::any_memory;
  return all;
}

/// Labels of each value: where memory is no matter there are few, so that none need be dropped.
template <std::size_t Operators, std::size_t Ranks>
constexpr std::size_t width_of(const problem<Operators, Ranks>& p) {
  return p.memory_binds ? search_width : 16 * search_width;
}

/// Fused rows (DeepThings, Zhao et al. 2018; AOFL, Zhou et al. 2019): rows where there are any, in the
/// segments that take the least time; else by output channel. All devices take part.
template <std::size_t Operators, std::size_t Ranks>
constexpr plan<Operators, Ranks> plan_fused_spatial(op_list ops, const cluster<Ranks>& c, endpoints ends) {
  if (Ranks == 1) return plan_single<Operators>(ops, c, ends);
  const auto p = pose<Operators>(ops, c, ends, allowed_to(policy::fused_spatial, reach::any_memory));
  return fit_winograd(ops, c, search(p, policy::fused_spatial, no_limit, width_of(p)).best);
}

/// True when another policy may know what a search did not find: a search that had to drop something, one
/// among few of the sets of ranks that may use Winograd's algorithm, and one of unlike devices, whose cuts
/// other policies balance over several operators at once.
template <std::size_t Operators, std::size_t Ranks>
constexpr bool may_be_beaten(const problem<Operators, Ranks>& p, const found<Operators, Ranks>& result) {
  return !result.exists || !result.is_exact || p.winograd_sets.size() > 1 || !p.are_alike;
}

/// What every other policy plans.
template <std::size_t Operators, std::size_t Ranks>
constexpr void offer_others(op_list ops, const cluster<Ranks>& c, endpoints ends,
                            best_plan<Operators, Ranks>& best) {
  best.offer(plan_single<Operators>(ops, c, ends));
  if (Ranks == 1) return;
  for (const policy each : {policy::output_channel, policy::coedge, policy::coedge_oc})
    best.offer(plan_by_groups<Operators>(ops, c, each, ends));
  best.offer(plan_interleaved<Operators>(ops, c, ends));
  best.offer(plan_fused_spatial<Operators>(ops, c, ends));
}

/// The same devices with so much more memory, in shares of what they have.
template <std::size_t Ranks>
constexpr cluster<Ranks> roomier(const cluster<Ranks>& c, double more) {
  cluster<Ranks> made = c;
  for (device& d : made.devices)
    d.memory.bytes += std::min(std::numeric_limits<std::size_t>::max() - d.memory.bytes,
                               static_cast<std::size_t>(more * static_cast<double>(d.memory.bytes)));
  return made;
}

/// Plans that fit `c`, when `quickest`, the quickest of all, does not; none takes less than that.
template <std::size_t Operators, std::size_t Ranks>
class planning_for_room {
 public:
  constexpr planning_for_room(op_list ops, const cluster<Ranks>& c, endpoints ends,
                              const found<Operators, Ranks>& quickest)
      : ops_(ops),
        devices_(c),
        ends_(ends),
        quickest_(quickest),
        best_(ops, c),
        effort_(shifting_effort(ops, Ranks)),
        most_tries_(std::clamp<std::size_t>((1u << 19) / effort_, 64, 4096)) {}

  constexpr plan<Operators, Ranks> run() {
    offer(search_in(devices_, reach::all_devices, effort::in_compiler, no_limit));
    offer(search_in(devices_, reach::everything, effort::full, no_limit));
    offer_others(ops_, devices_, ends_, best_);
    filling<Operators, Ranks>(ops_, devices_, ends_).offer_to(best_);
    if (Ranks == 1) return best_.get(policy::optimal);
    double shifted_from = shift_best();
    if (quickest_.exists) offer_shifted(quickest_.best);
    const std::size_t searches = std::clamp<std::size_t>(3000 / effort_, 1, std::size(more_memory));
    for (const double more : std::span(more_memory, searches)) {
      const auto next = search_in(roomier(devices_, more), reach::everything, effort::full,
                                  best_.fits() ? best_.seconds() : no_limit);
      if (next.exists) offer_shifted(next.best);
    }
    while (best_.fits() && best_.seconds() < shifted_from) shifted_from = shift_best();
    return best_.get(policy::optimal);
  }

 private:
  using found_type = found<Operators, Ranks>;
  /// Shares of each memory that a plan may lack before its cuts are shifted: fewer where a search takes long.
  static constexpr double more_memory[]{0.05, 0.4, 0.02, 0.03, 0.1};

  constexpr found_type search_in(const cluster<Ranks>& c, reach how_far, effort most, double limit) const {
    const auto p = pose<Operators>(ops_, c, ends_, allowed_to(policy::optimal, how_far));
    return search(p, policy::optimal, limit, width_of(p), quickest_.seconds, most);
  }
  constexpr void offer(const found_type& result) {
    if (result.exists) best_.offer(result.best);
  }
  /// Returns its seconds before, if it fitted.
  constexpr double shift_best() {
    const double before = best_.fits() ? best_.seconds() : no_limit;
    offer_shifted(best_.get(policy::optimal));
    return before;
  }
  constexpr void offer_shifted(const plan<Operators, Ranks>& start) {
    cut_shifting work(ops_, devices_, fit_winograd(ops_, devices_, start));
    work.run(most_tries_);
    best_.offer(work.made());
    std::size_t tries_left = most_tries_;
    work.for_each_quicker_merge([&](const plan<Operators, Ranks>& merged) {
      cut_shifting again(ops_, devices_, merged);
      tries_left -= again.run(tries_left);
      best_.offer(again.made());
      return tries_left > 0;
    });
  }

  op_list ops_;
  const cluster<Ranks>& devices_;
  endpoints ends_;
  const found_type& quickest_;
  best_plan<Operators, Ranks> best_;
  std::size_t effort_;
  std::size_t most_tries_;  ///< of shifts of one plan
};

/// The least makespan of all plans that fit every memory; when none fits, the plan that lacks the least. Most
/// often the quickest plan of all fits, and is found with less effort.
template <std::size_t Operators, std::size_t Ranks>
constexpr plan<Operators, Ranks> plan_optimal(op_list ops, const cluster<Ranks>& c, endpoints ends) {
  const auto p = pose<Operators>(ops, c, ends, allowed_to(policy::optimal, reach::any_memory));
  const auto result = search(p, policy::optimal, no_limit, width_of(p));
  if (memory_binds(ops, c) && !(result.exists && fits(ops, c, result.best)))
    return planning_for_room<Operators, Ranks>(ops, c, ends, result).run();
  if (!may_be_beaten(p, result)) return result.best;
  best_plan<Operators, Ranks> best(ops, c);
  if (result.exists) best.offer(result.best);
  offer_others(ops, c, ends, best);
  return best.get(policy::optimal);
}

}  // namespace iop::planner
