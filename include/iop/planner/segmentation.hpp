// SPDX-License-Identifier: MIT
#pragma once

// The paper's policy `interleaved`: pairs of groups are interleaved one by one, as long as one saves time.

#include <iop/planner/baselines.hpp>

#include <cstddef>

namespace iop::planner {

/// The paper's segmentation (arXiv 2409.07693): look at neighbouring operators front to back, make the pair
/// interleaved that saves the most time, and repeat as long as one saves any. A pair changes only the
/// exchanges around it, so its gain is the difference over the pair and the group behind it.
template <std::size_t Operators, std::size_t Ranks>
class segmentation {
 public:
  constexpr segmentation(op_list ops, const cluster<Ranks>& c, const plan<Operators, Ranks>& baseline)
      : work_(ops, c, policy::interleaved, baseline.ends) {
    for (std::size_t i = 0; i < ops.size(); ++i) work_.made.decisions[i] = baseline.decisions[i];
  }

  constexpr plan<Operators, Ranks> run() {
    for (std::size_t head = 1; head < size(); ++head) look_at(head);
    while (saves()) {
      take_best();
      for (std::size_t head = 1; head < size(); ++head)
        if (has_changed(head)) look_at(head);
    }
    return made();
  }

  /// Its steps, for those who take them one by one. Seconds that a pair saves which begins at `head`; 0 when
  /// it is none.
  constexpr double gain_of(std::size_t head) {
    if (!is_pair(head)) return 0;
    const range part = around(head);
    const auto before = work_.made;
    const double seconds = work_.seconds_of(part);
    work_.put_pair(head, tail_of(head));
    const double gain = seconds - work_.choose_reduction(tail_of(head), part);
    work_.made = before;
    return gain;
  }
  constexpr void set_gain(std::size_t head, double gain) { gains_[head] = gain; }
  constexpr bool saves() const { return gains_[best()] > 0; }
  /// The pair that saves the most; what some others save has changed then.
  constexpr void take_best() {
    taken_head_ = best();
    const range part = around(taken_head_);
    work_.put_pair(taken_head_, tail_of(taken_head_));
    work_.choose_reduction(tail_of(taken_head_), part);
    taken_[taken_head_] = taken_[tail_of(taken_head_)] = true;
    gains_[taken_head_] = 0;
    changed_until_ = part.end;
  }
  constexpr bool has_changed(std::size_t head) const {
    return head < changed_until_ && is_weighted(work_.ops[head]) && around(head).end >= taken_head_;
  }
  constexpr const plan<Operators, Ranks>& made() const { return work_.made; }

 private:
  constexpr std::size_t best() const {
    std::size_t most = 1;
    for (std::size_t head = 2; head < size(); ++head)
      if (gains_[head] > gains_[most]) most = head;
    return most;
  }
  constexpr std::size_t size() const { return work_.ops.size(); }
  constexpr std::size_t tail_of(std::size_t head) const { return group_end(work_.ops, head); }

  constexpr bool is_pair(std::size_t head) const {
    const std::size_t tail = tail_of(head);
    return is_weighted(work_.ops[head]) && tail < size() && has_partial_sums(work_.ops[tail]) &&
           !taken_[head] && !taken_[tail] && work_.ops[tail].inputs[0] == tail - 1;
  }

  /// The pair and the group behind it, and with branches all that reads a tensor which the pair also reads or
  /// makes.
  constexpr range around(std::size_t head) const {
    std::size_t end = group_end(work_.ops, tail_of(head));
    if (end < size()) end = group_end(work_.ops, end);
    const std::size_t first = work_.ops[head].inputs[0];
    for (std::size_t i = end; i < size(); ++i)
      for (const std::size_t input : work_.ops[i].inputs)
        if (first <= input && input + 1 < end) end = group_end(work_.ops, i);
    return {head, end};
  }

  constexpr void look_at(std::size_t head) { gains_[head] = gain_of(head); }

  planning<Operators, Ranks> work_;
  double gains_[Operators]{};
  bool taken_[Operators]{};
  std::size_t taken_head_ = 0;     ///< at last
  std::size_t changed_until_ = 0;  ///< by that
};

/// The quickest of the plans that start with rows and with output channels, or what one of them was made
/// from: gains are those of a pair's surroundings, and with branches they may not add up.
template <std::size_t Operators, std::size_t Ranks>
constexpr plan<Operators, Ranks> plan_interleaved(op_list ops, const cluster<Ranks>& c, endpoints ends) {
  plan<Operators, Ranks> best{};
  double least = 0;
  for (const policy strategy : {policy::coedge_oc, policy::output_channel}) {
    const auto baseline = plan_by_groups<Operators>(ops, c, strategy, ends);
    for (const auto& each : {segmentation<Operators, Ranks>(ops, c, baseline).run(), baseline}) {
      const double seconds = predict(ops, c, each).makespan_seconds;
      if (least == 0 || seconds < least) best = each, least = seconds;
    }
  }
  best.strategy = policy::interleaved;
  return fit_winograd(ops, c, best);
}

}  // namespace iop::planner
