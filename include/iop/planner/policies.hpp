// SPDX-License-Identifier: MIT
#pragma once

// The published schemes (design section 5) as functions from (network, cluster) to decisions. A group is a
// weighted operator with the channel-wise operators behind it: the unit that is cut as one, without traffic
// inside.

#include <iop/planner/arena.hpp>
#include <iop/planner/search.hpp>
#include <iop/planner/shares.hpp>
#include <iop/planner/winograd_fitting.hpp>

#include <cstddef>

namespace iop::planner {

/// The end of the group that starts at operator `first`: channel-wise operators follow their producer.
constexpr std::size_t group_end(op_list ops, std::size_t first) {
  std::size_t end = first + 1;
  while (end < ops.size() && is_channelwise(ops[end]) && ops[end].inputs[0] == end - 1) ++end;
  return end;
}

template <std::size_t Operators, std::size_t Ranks>
struct planning {
  op_list ops;
  const cluster<Ranks>& devices;
  plan<Operators, Ranks> made{};

  constexpr planning(op_list network, const cluster<Ranks>& c, policy strategy, endpoints ends)
      : ops(network), devices(c), made{strategy, ends, {}, route::direct} {
    made.decisions[0] = decide_single<Ranks>(ops[0], ends.input_rank);
  }

  constexpr void put_single(std::size_t first, std::size_t end, std::size_t rank) {
    for (std::size_t i = first; i < end; ++i) put(i, decide_single<Ranks>(ops[i], rank));
  }

  /// Channel-wise operators [first, end) keep the channel shares of their producer; returns the shares behind
  /// them, which are larger where a depthwise convolution makes several channels of one.
  constexpr share_list<Ranks> follow_channels(std::size_t first, std::size_t end, share_list<Ranks> shares) {
    for (std::size_t i = first; i < end; ++i) {
      if (is_depthwise(ops[i]))
        for (range& s : shares) s = {s.begin * channel_unit(ops[i]), s.end * channel_unit(ops[i])};
      put(i, decide(partition::output_channel, shares));
    }
    return shares;
  }

  constexpr void put_output_channel(std::size_t first, std::size_t end) {
    const auto shares = balance_output_channels(ops[first], devices);
    put(first, decide(partition::output_channel, shares));
    follow_channels(first + 1, end, shares);
  }

  /// Rows of the group's last output; operators before it make the rows that those need.
  constexpr void put_spatial(std::size_t first, std::size_t end) {
    auto rows = balance_rows(ops[first], ops[end - 1], devices);
    for (std::size_t i = end; i-- > first;) {
      put(i, decide(partition::spatial, rows));
      for (range& share : rows) share = needed_input(ops[i], {share, {0, ops[i].out.channels}}).rows;
    }
  }

  constexpr void put_pair(std::size_t head, std::size_t tail) {
    const auto shares = balance_pair(ops[head], ops[tail], devices);
    put(head, decide(partition::output_channel, shares));
    put(tail, decide(partition::input_channel, follow_channels(head + 1, tail, shares)));
    for (std::size_t i = tail + 1; i < group_end(ops, tail); ++i) put(i, decide_replicated<Ranks>(ops[i]));
  }

  /// Seconds of the operators [part.begin, part.end) and the exchanges into them.
  constexpr double seconds_of(range part) const {
    return predict(ops, devices, made, spell_out(ops, made, part)).makespan_seconds;
  }

  /// The cheapest way to sum what `tail` leaves, for the operators `part` around it; returns their seconds.
  constexpr double choose_reduction(std::size_t tail, range part) {
    route& chosen = tail + 1 < ops.size() ? made.decisions[tail + 1].fetch : made.deliver;
    route best = route::direct;
    double least = 0;
    for (const route candidate : {route::direct, route::scatter_gather, route::via_root}) {
      chosen = candidate;
      const double seconds = seconds_of(part);
      if (candidate == route::direct || seconds < least) best = candidate, least = seconds;
    }
    chosen = best;
    return least;
  }

  /// Replaces the decision on an operator, but not how the sum in front of it is made whole.
  constexpr void put(std::size_t i, decision<Ranks> d) {
    d.fetch = made.decisions[i].fetch;
    d.winograd = quicker_by_winograd(ops[i], devices, d);
    made.decisions[i] = d;
  }

  /// Operators that neither channels nor rows can cut run where the result is wanted.
  constexpr bool is_cuttable(std::size_t i) const { return is_weighted(ops[i]); }

  template <class Put>
  constexpr void for_each_group(Put&& put) {
    for (std::size_t first = 1, end = 0; first < ops.size(); first = end) {
      end = group_end(ops, first);
      if (is_cuttable(first))
        put(first, end);
      else
        put_single(first, end, made.ends.output_rank);
    }
  }
};

template <std::size_t Operators, std::size_t Ranks>
constexpr plan<Operators, Ranks> plan_single(op_list ops, const cluster<Ranks>& c, endpoints ends) {
  planning<Operators, Ranks> work(ops, c, policy::single_device, ends);
  plan<Operators, Ranks> best{};
  double least = 0;
  bool best_fits = false;
  for (std::size_t r = 0; r < Ranks; ++r) {
    work.put_single(1, ops.size(), r);
    const auto made = fit_winograd(ops, c, work.made);
    const double seconds = predict(ops, c, made).makespan_seconds;
    const bool fits = footprint_of(ops, made, r).bytes() <= c.devices[r].memory.bytes;
    if (r == 0 || (fits && !best_fits) || (fits == best_fits && seconds < least))
      best = made, least = seconds, best_fits = fits;
  }
  return best;
}

template <std::size_t Operators, std::size_t Ranks>
constexpr plan<Operators, Ranks> plan_output_channel(op_list ops, const cluster<Ranks>& c, endpoints ends) {
  planning<Operators, Ranks> work(ops, c, policy::output_channel, ends);
  work.for_each_group([&](std::size_t first, std::size_t end) { work.put_output_channel(first, end); });
  return fit_winograd(ops, c, work.made);
}

/// CoEdge (Zeng et al., IEEE/ACM ToN 2021): convolutions by rows; dense layers on one rank, or by output
/// channel.
template <std::size_t Operators, std::size_t Ranks>
constexpr plan<Operators, Ranks> plan_coedge(op_list ops, const cluster<Ranks>& c, endpoints ends,
                                             policy strategy) {
  planning<Operators, Ranks> work(ops, c, strategy, ends);
  work.for_each_group([&](std::size_t first, std::size_t end) {
    if (has_rows(ops[first]))
      work.put_spatial(first, end);
    else if (strategy == policy::coedge)
      work.put_single(first, end, ends.output_rank);
    else
      work.put_output_channel(first, end);
  });
  return fit_winograd(ops, c, work.made);
}

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

/// Fused rows (DeepThings, Zhao et al. 2018; AOFL, Zhou et al. 2019): rows where there are any, in the
/// segments that take the least time; else by output channel. All devices take part.
template <std::size_t Operators, std::size_t Ranks>
constexpr plan<Operators, Ranks> plan_fused_spatial(op_list ops, const cluster<Ranks>& c, endpoints ends) {
  if (Ranks == 1) return plan_single<Operators>(ops, c, ends);
  allowances allowed{.single = false, .input_channel = false, .interleaved = false, .subsets = false};
  allowed.rows_first = true;
  auto p = pose<Operators>(ops, c, ends, allowed);
  p.memory_binds = false;
  p.winograd_sets = winograd_sets(c, false);
  return fit_winograd(ops, c, search(p, policy::fused_spatial, no_limit, search_width).best);
}

/// Bytes that the fullest device lacks for a plan; 0 when it fits.
template <std::size_t Operators, std::size_t Ranks>
constexpr std::size_t missing_bytes(op_list ops, const cluster<Ranks>& c, const plan<Operators, Ranks>& p) {
  const auto all = spell_out(ops, p);
  std::size_t most = 0;
  for (std::size_t r = 0; r < Ranks; ++r) {
    const std::size_t needed = footprint_of(ops, p, all, r).bytes(), limit = c.devices[r].memory.bytes;
    if (needed > limit) most = std::max(most, needed - limit);
  }
  return most;
}

/// The least makespan of all plans that fit every memory; when none fits, the plan that lacks the least.
template <std::size_t Operators, std::size_t Ranks>
constexpr plan<Operators, Ranks> plan_optimal(op_list ops, const cluster<Ranks>& c, endpoints ends) {
  auto p = pose<Operators>(ops, c, ends);
  plan<Operators, Ranks> best{};
  double limit = no_limit;
  std::size_t lacking = static_cast<std::size_t>(-1);
  const auto try_plan = [&](const plan<Operators, Ranks>& candidate) {
    const std::size_t missing = p.memory_binds ? missing_bytes(ops, c, candidate) : 0;
    const double seconds = predict(ops, c, candidate).makespan_seconds;
    if (missing > lacking || (missing == lacking && seconds >= limit)) return;
    best = candidate;
    lacking = missing;
    limit = missing == 0 ? seconds : no_limit;
  };
  // The search is quicker with a good plan to beat.
  try_plan(plan_single<Operators>(ops, c, ends));
  if (Ranks > 1) {
    try_plan(plan_output_channel<Operators>(ops, c, ends));
    try_plan(plan_coedge<Operators>(ops, c, ends, policy::coedge));
    try_plan(plan_coedge<Operators>(ops, c, ends, policy::coedge_oc));
  }
  searching<Operators, Ranks> stages(p, choices_of(p), policy::optimal);
  bool is_exact = true;
  const auto look = [&](std::size_t width) {
    const auto result = stages.run(limit, width);
    is_exact = result.is_exact;
    if (!result.exists) return;
    best = result.best;
    limit = result.seconds;
    lacking = 0;
  };
  // With tight memory there are many ways, of which a narrow search finds a good one first.
  if (p.memory_binds) look(1);
  look(search_width);
  // A search that had to drop something might miss what another policy finds, and another policy may use
  // Winograd's algorithm on other sets of ranks.
  if ((!is_exact || p.winograd_sets.size() > 1) && Ranks > 1) {
    try_plan(plan_interleaved<Operators>(ops, c, ends));
    try_plan(plan_fused_spatial<Operators>(ops, c, ends));
  }
  best.strategy = policy::optimal;
  return best;
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
