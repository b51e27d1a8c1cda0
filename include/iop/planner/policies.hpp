// SPDX-License-Identifier: MIT
#pragma once

// The published schemes as functions from (network, cluster) to decisions.

#include <iop/planner/best_plan.hpp>
#include <iop/planner/filling.hpp>
#include <iop/planner/search.hpp>
#include <iop/planner/segmentation.hpp>

#include <cstddef>

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

/// The least makespan of all plans that fit every memory; when none fits, the plan that lacks the least. Most
/// often the quickest plan of all fits, and is found with less effort; else no other takes less.
template <std::size_t Operators, std::size_t Ranks>
constexpr plan<Operators, Ranks> plan_optimal(op_list ops, const cluster<Ranks>& c, endpoints ends) {
  auto p = pose<Operators>(ops, c, ends, allowed_to(policy::optimal, reach::any_memory));
  auto result = search(p, policy::optimal, no_limit, width_of(p));
  if (memory_binds(ops, c) && !(result.exists && fits(ops, c, result.best))) {
    const double least = result.seconds;
    p = pose<Operators>(ops, c, ends, allowed_to(policy::optimal, reach::all_devices));
    const auto first = search(p, policy::optimal, no_limit, width_of(p), least, effort::in_compiler);
    p = pose<Operators>(ops, c, ends, allowed_to(policy::optimal, reach::everything));
    result = search(p, policy::optimal, no_limit, width_of(p), least);
    if (first.exists && (!result.exists || first.seconds < result.seconds)) result = first;
  }
  if (!may_be_beaten(p, result)) return result.best;
  best_plan<Operators, Ranks> best(ops, c);
  if (result.exists) best.offer(result.best);
  best.offer(plan_single<Operators>(ops, c, ends));
  if (Ranks == 1) return best.get(policy::optimal);
  for (const policy each : {policy::output_channel, policy::coedge, policy::coedge_oc})
    best.offer(plan_by_groups<Operators>(ops, c, each, ends));
  best.offer(plan_interleaved<Operators>(ops, c, ends));
  best.offer(plan_fused_spatial<Operators>(ops, c, ends));
  if (!result.exists) filling<Operators, Ranks>(ops, c, ends).offer_to(best);
  return best.get(policy::optimal);
}

template <std::size_t Operators, std::size_t Ranks>
constexpr plan<Operators, Ranks> make_plan(op_list ops, const cluster<Ranks>& c, policy strategy,
                                           endpoints ends = {}) {
  switch (strategy) {
    case policy::single_device:
      return plan_single<Operators>(ops, c, ends);
    case policy::output_channel:
    case policy::coedge:
    case policy::coedge_oc:
      return plan_by_groups<Operators>(ops, c, strategy, ends);
    case policy::interleaved:
      return plan_interleaved<Operators>(ops, c, ends);
    case policy::fused_spatial:
      return plan_fused_spatial<Operators>(ops, c, ends);
    case policy::optimal:
      break;
  }
  return plan_optimal<Operators>(ops, c, ends);
}

}  // namespace iop::planner
