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
    while (saves()) take_best();
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
  constexpr void take_best() { take(best()); }
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

/// The quicker one, or what one of them was made from: gains are those of a pair's surroundings, and with
/// branches they may not add up.
template <std::size_t Operators, std::size_t Ranks>
constexpr plan<Operators, Ranks> better_segmentation(op_list ops, const cluster<Ranks>& c,
                                                     const plan<Operators, Ranks>& rows,
                                                     const plan<Operators, Ranks>& segmented_rows,
                                                     const plan<Operators, Ranks>& channels,
                                                     const plan<Operators, Ranks>& segmented_channels) {
  const plan<Operators, Ranks>* best = nullptr;
  double least = 0;
  for (const auto* each : {&segmented_rows, &rows, &segmented_channels, &channels}) {
    const double seconds = predict(ops, c, *each).makespan_seconds;
    if (best == nullptr || seconds < least) best = each, least = seconds;
  }
  plan<Operators, Ranks> made = *best;
  made.strategy = policy::interleaved;
  return fit_winograd(ops, c, made);
}

/// From the better of the plans that start with rows and with output channels.
template <std::size_t Operators, std::size_t Ranks>
constexpr plan<Operators, Ranks> plan_interleaved(op_list ops, const cluster<Ranks>& c, endpoints ends) {
  using segments = segmentation<Operators, Ranks>;
  const auto rows = plan_coedge<Operators>(ops, c, ends, policy::coedge_oc);
  const auto channels = plan_output_channel<Operators>(ops, c, ends);
  return better_segmentation(ops, c, rows, segments(ops, c, rows).run(), channels,
                             segments(ops, c, channels).run());
}

}  // namespace iop::planner
