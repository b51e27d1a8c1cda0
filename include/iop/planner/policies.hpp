// SPDX-License-Identifier: MIT
#pragma once

// The policies as functions from (network, cluster) to decisions.

#include <iop/planner/optimal.hpp>
#include <iop/planner/segmentation.hpp>

#include <cstddef>

namespace iop::planner {

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
