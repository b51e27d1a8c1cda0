// SPDX-License-Identifier: MIT
#pragma once

// The schemes that decide operator by operator: one device, output channels, CoEdge's rows. A group is a
// weighted operator with the channel-wise operators behind it: the unit that is cut as one, without traffic
// inside.

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
constexpr plan<Operators, Ranks> cut_for_one(op_list ops, const cluster<Ranks>& c, endpoints ends,
                                             std::size_t rank) {
  planning<Operators, Ranks> work(ops, c, policy::single_device, ends);
  work.put_single(1, ops.size(), rank);
  return work.made;
}

/// On the device that does it best.
template <std::size_t Operators, std::size_t Ranks>
constexpr plan<Operators, Ranks> plan_single(op_list ops, const cluster<Ranks>& c, endpoints ends) {
  best_plan<Operators, Ranks> best(ops, c);
  for (std::size_t r = 0; r < Ranks; ++r)
    best.offer(fit_winograd(ops, c, cut_for_one<Operators>(ops, c, ends, r)));
  return best.get(policy::single_device);
}

/// By output channel, or as CoEdge (Zeng et al., IEEE/ACM ToN 2021): convolutions by rows; dense layers on
/// one rank, or by output channel.
template <std::size_t Operators, std::size_t Ranks>
constexpr plan<Operators, Ranks> cut_by_groups(op_list ops, const cluster<Ranks>& c, policy strategy,
                                               endpoints ends) {
  planning<Operators, Ranks> work(ops, c, strategy, ends);
  work.for_each_group([&](std::size_t first, std::size_t end) {
    if (strategy != policy::output_channel && has_rows(ops[first]))
      work.put_spatial(first, end);
    else if (strategy == policy::coedge)
      work.put_single(first, end, ends.output_rank);
    else
      work.put_output_channel(first, end);
  });
  return work.made;
}

template <std::size_t Operators, std::size_t Ranks>
constexpr plan<Operators, Ranks> plan_by_groups(op_list ops, const cluster<Ranks>& c, policy strategy,
                                                endpoints ends) {
  return fit_winograd(ops, c, cut_by_groups<Operators>(ops, c, strategy, ends));
}

}  // namespace iop::planner
