// SPDX-License-Identifier: MIT
#pragma once

// The published schemes (design section 5) as functions from (network, cluster) to decisions.

#include <iop/planner/best_plan.hpp>
#include <iop/planner/search.hpp>
#include <iop/planner/segmentation.hpp>

#include <cstddef>

namespace iop::planner {

/// What the searches of `fused_spatial` and `optimal` may use.
template <std::size_t Operators, std::size_t Ranks>
constexpr problem<Operators, Ranks> pose_for(policy strategy, op_list ops, const cluster<Ranks>& c,
                                             endpoints ends) {
  if (strategy == policy::optimal) return pose<Operators>(ops, c, ends);
  allowances allowed{.single = false, .input_channel = false, .interleaved = false, .subsets = false};
  allowed.rows_first = true;
  auto p = pose<Operators>(ops, c, ends, allowed);
  p.memory_binds = false;
  p.winograd_sets = winograd_sets(c, false);
  return p;
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
  const auto p = pose_for<Operators>(policy::fused_spatial, ops, c, ends);
  return fit_winograd(ops, c, search(p, policy::fused_spatial, no_limit, width_of(p)).best);
}

/// True when another policy may know what a search did not find: a search that had to drop something, and one
/// among few of the sets of ranks that may use Winograd's algorithm.
template <std::size_t Operators, std::size_t Ranks>
constexpr bool may_be_beaten(const problem<Operators, Ranks>& p, const found<Operators, Ranks>& result) {
  return !result.exists || !result.is_exact || p.winograd_sets.size() > 1;
}

/// The least makespan of all plans that fit every memory; when none fits, the plan that lacks the least.
template <std::size_t Operators, std::size_t Ranks>
constexpr plan<Operators, Ranks> plan_optimal(op_list ops, const cluster<Ranks>& c, endpoints ends) {
  const auto p = pose_for<Operators>(policy::optimal, ops, c, ends);
  const auto result = search(p, policy::optimal, no_limit, width_of(p));
  if (!may_be_beaten(p, result)) return result.best;
  best_plan<Operators, Ranks> best(ops, c);
  if (result.exists) best.offer(result.best);
  best.offer(plan_single<Operators>(ops, c, ends));
  if (Ranks == 1) return best.get();
  best.offer(plan_output_channel<Operators>(ops, c, ends));
  best.offer(plan_coedge<Operators>(ops, c, ends, policy::coedge));
  best.offer(plan_coedge<Operators>(ops, c, ends, policy::coedge_oc));
  best.offer(plan_interleaved<Operators>(ops, c, ends));
  best.offer(plan_fused_spatial<Operators>(ops, c, ends));
  return best.get();
}

template <std::size_t Operators, std::size_t Ranks>
constexpr plan<Operators, Ranks> make_plan(op_list ops, const cluster<Ranks>& c, policy strategy,
                                           endpoints ends = {}) {
  switch (strategy) {
    case policy::single_device:
      return plan_single<Operators>(ops, c, ends);
    case policy::output_channel:
      return plan_output_channel<Operators>(ops, c, ends);
    case policy::coedge:
    case policy::coedge_oc:
      return plan_coedge<Operators>(ops, c, ends, strategy);
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
