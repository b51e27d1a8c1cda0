// SPDX-License-Identifier: MIT
#pragma once

// Whether a plan can be one of these operators: every share lies inside what is cut, and together the shares
// are all that somebody reads. A plan of another network, or of the same one before it was changed, is not.

#include <iop/core/text.hpp>
#include <iop/planner/plan.hpp>
#include <iop/spec/winograd.hpp>

#include <algorithm>
#include <cstddef>

namespace iop::deploy {

using problem = text<255>;

namespace detail {

/// What a partition cuts of an operator.
constexpr std::size_t extent_of(const op& o, partition how) {
  return how == partition::spatial         ? o.out.height
         : how == partition::input_channel ? o.in.channels
                                           : o.out.channels;
}

constexpr bool may_be_cut(const op& o, partition how) {
  return how == partition::input_channel ? has_partial_sums(o) : how != partition::spatial || has_rows(o);
}

/// The shares hold each of `needed`, some maybe twice.
template <std::size_t Ranks>
constexpr bool cover(const decision<Ranks>& d, range needed) {
  for (std::size_t at = needed.begin; at < needed.end;) {
    std::size_t reached = at;
    for (const range& share : d.shares)
      if (share.begin <= at) reached = std::max(reached, share.end);
    if (reached == at) return false;
    at = reached;
  }
  return true;
}

/// Of operator i, what its readers need of the dimension that it is cut along.
template <std::size_t Operators, std::size_t Ranks>
constexpr range needed_of(op_list ops, const plan<Operators, Ranks>& p, std::size_t i) {
  const range all{0, extent_of(ops[i], p.decisions[i].how)};
  if (p.decisions[i].how != partition::spatial || i + 1 == ops.size()) return all;
  range needed{};
  for (std::size_t reader = i + 1; reader < ops.size(); ++reader)
    for (std::size_t k = 0; k < ops[reader].inputs.size(); ++k)
      for (std::size_t r = 0; r < Ranks && ops[reader].inputs[k] == i; ++r)
        needed = hull(needed, input_box(ops[reader], p.decisions[reader], r, k).rows);
  return needed;
}

template <std::size_t Operators, std::size_t Ranks>
constexpr bool is_cut_rightly(op_list ops, const plan<Operators, Ranks>& p, std::size_t i) {
  const decision<Ranks>& d = p.decisions[i];
  const std::size_t extent = extent_of(ops[i], d.how);
  const bool is_whole = d.how == partition::single || d.how == partition::replicated;
  const std::size_t unit = d.how == partition::output_channel ? channel_unit(ops[i]) : 1;
  std::size_t sum = 0;
  for (const range& share : d.shares) {
    if (share.begin > share.end || share.end > extent) return false;
    if (share.begin % unit != 0 || share.end % unit != 0) return false;
    if (is_whole && !share.empty() && share.size() != extent) return false;
    sum += share.size();
  }
  if (d.how == partition::input_channel && sum != extent) return false;
  return may_be_cut(ops[i], d.how) && (d.winograd == 0 || has_winograd(ops[i])) &&
         cover(d, needed_of(ops, p, i));
}

}  // namespace detail

/// Why these cannot be the cuts of the operators; empty when they can.
template <std::size_t Operators, std::size_t Ranks>
constexpr problem cut_problem_of(op_list ops, const plan<Operators, Ranks>& p) {
  for (std::size_t i = 0; i < ops.size(); ++i) {
    if (detail::is_cut_rightly(ops, p, i)) continue;
    const shape& out = ops[i].out;
    return sentence("the plan is of another network: its cuts (", name_of(p.decisions[i].how),
                    ") do not fit operator ", i, ", ", name_of(ops[i].what), " to ", out.channels, "x",
                    out.height, "x", out.width, ": make the plan from this network and this cluster.");
  }
  return {};
}

}  // namespace iop::deploy
