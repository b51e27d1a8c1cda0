// SPDX-License-Identifier: MIT
#pragma once

// Plans of last resort, however slow: rows up to some operator, then output channels, with weights in
// proportion to the room that each device has for them. Other cuts are balanced by speed, so that a quick
// device with little memory can make all of them too large.

#include <iop/planner/baselines.hpp>
#include <iop/planner/best_plan.hpp>
#include <iop/planner/footprint.hpp>

#include <cstddef>

namespace iop::planner {

template <std::size_t Operators, std::size_t Ranks>
class filling {
 public:
  constexpr filling(op_list ops, const cluster<Ranks>& c, endpoints ends)
      : ops_(ops), devices_(c), ends_(ends) {}

  /// Rows for no operator, and for those that hold up to a 32nd, a 16th, … half of all weights.
  constexpr void offer_to(best_plan<Operators, Ranks>& best) const {
    std::size_t all = 0;
    for (const op& o : ops_) all += parameter_count(o);
    best.offer(plan_from(1));
    std::size_t before = 1;
    for (std::size_t part = 32; part > 1; part /= 2) {
      const std::size_t first = end_of(all / part);
      if (first != before) best.offer(plan_from(first));
      before = first;
    }
  }

 private:
  /// Of the operators that hold at most so many parameters.
  constexpr std::size_t end_of(std::size_t parameters) const {
    std::size_t end = 1, held = 0;
    while (end < ops_.size() && has_rows(ops_[end]) && (held += parameter_count(ops_[end])) <= parameters)
      ++end;
    return end;
  }

  /// Output channels from `first` on. What else a device holds changes little with their cuts: a plan that is
  /// balanced by speed says it, another is nearer.
  constexpr plan<Operators, Ranks> plan_from(std::size_t first) const {
    plan<Operators, Ranks> made = cut_from(first, devices_);
    cluster<Ranks> as_quick_as_roomy = devices_;
    for (int round = 0; round < 2; ++round) {
      const auto all = spell_out(ops_, made);
      for (std::size_t r = 0; r < Ranks; ++r) {
        std::size_t taken = footprint_of(ops_, made, all, r).bytes();
        for (std::size_t i = first; i < ops_.size(); ++i)
          taken -= place_weights(ops_[i], made.decisions[i], r, 0).end * sizeof(float);
        device& d = as_quick_as_roomy.devices[r];
        const double room = d.memory.bytes > taken ? static_cast<double>(d.memory.bytes - taken) : 1;
        d.compute = {room}, d.memory_bandwidth = {room};
        d.winograd = d.depthwise = d.narrow = {};
      }
      made = cut_from(first, as_quick_as_roomy);
    }
    return made;
  }

  constexpr plan<Operators, Ranks> cut_from(std::size_t first, const cluster<Ranks>& by) const {
    planning<Operators, Ranks> rows(ops_, devices_, policy::optimal, ends_),
        channels(ops_, by, policy::optimal, ends_);
    rows.for_each_group([&](std::size_t begin, std::size_t end) {
      if (begin < first) rows.put_spatial(begin, end);
    });
    channels.made = rows.made;
    channels.for_each_group([&](std::size_t begin, std::size_t end) {
      if (begin >= first) channels.put_output_channel(begin, end);
    });
    return fit_winograd(ops_, devices_, channels.made);
  }

  op_list ops_;
  const cluster<Ranks>& devices_;
  endpoints ends_;
};

}  // namespace iop::planner
