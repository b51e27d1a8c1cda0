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
  constexpr explicit segmentation(const planning<Operators, Ranks>& baseline) : work_(baseline) {}

  constexpr plan<Operators, Ranks> run() {
    for (std::size_t head = 1; head < size(); ++head) look_at(head);
    for (;;) {
      std::size_t best = 1;
      for (std::size_t head = 2; head < size(); ++head)
        if (gains_[head] > gains_[best]) best = head;
      if (gains_[best] <= 0) return work_.made;
      take(best);
    }
  }

 private:
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

  constexpr void look_at(std::size_t head) {
    gains_[head] = 0;
    if (!is_pair(head)) return;
    const range part = around(head);
    const auto before = work_.made;
    const double seconds = work_.seconds_of(part);
    work_.put_pair(head, tail_of(head));
    gains_[head] = seconds - work_.choose_reduction(tail_of(head), part);
    work_.made = before;
  }

  constexpr void take(std::size_t head) {
    const range part = around(head);
    work_.put_pair(head, tail_of(head));
    work_.choose_reduction(tail_of(head), part);
    taken_[head] = taken_[tail_of(head)] = true;
    gains_[head] = 0;
    for (std::size_t other = 1; other < part.end; ++other)
      if (around_reaches(other, head)) look_at(other);
  }

  constexpr bool around_reaches(std::size_t other, std::size_t head) const {
    return is_weighted(work_.ops[other]) && around(other).end >= head;
  }

  planning<Operators, Ranks> work_;
  double gains_[Operators]{};
  bool taken_[Operators]{};
};

/// From the better of the plans that start with rows and with output channels.
template <std::size_t Operators, std::size_t Ranks>
constexpr plan<Operators, Ranks> plan_interleaved(op_list ops, const cluster<Ranks>& c, endpoints ends) {
  const auto from = [&](const plan<Operators, Ranks>& baseline) {
    planning<Operators, Ranks> work(ops, c, policy::interleaved, ends);
    for (std::size_t i = 0; i < ops.size(); ++i) work.made.decisions[i] = baseline.decisions[i];
    const auto made = segmentation<Operators, Ranks>(work).run();
    // Gains are those of a pair's surroundings; with branches they may not add up.
    return predict(ops, c, made).makespan_seconds <= predict(ops, c, work.made).makespan_seconds ? made
                                                                                                 : work.made;
  };
  const auto rows = from(plan_coedge<Operators>(ops, c, ends, policy::coedge_oc));
  const auto channels = from(plan_output_channel<Operators>(ops, c, ends));
  const bool starts_with_channels =
      predict(ops, c, channels).makespan_seconds < predict(ops, c, rows).makespan_seconds;
  return fit_winograd(ops, c, starts_with_channels ? channels : rows);
}

}  // namespace iop::planner
