// SPDX-License-Identifier: MIT
#pragma once

// Predicted times (design section 4). A share of an operator takes max(FLOPs / F, bytes / W), with each
// weight, input and output element moved once; channel-wise operators behind their producer are free. Between
// two exchanges ranks do not wait for each other: a segment takes the longest rank's sum. An exchange takes,
// of the busiest rank, messages · α + bytes / B. The makespan is the sum of all.

#include <iop/planner/schedule.hpp>
#include <iop/spec/cluster.hpp>

#include <algorithm>
#include <cstddef>

namespace iop::planner {

struct work {
  double flops = 0;
  double bytes = 0;
};

/// What computing the box `out` takes; `in` is what it reads of its first input.
constexpr work work_of(const op& o, const box& in, const box& out) {
  if (out.empty() || o.what == kind::input) return {};
  const std::size_t outs = out.channels.size();
  const std::size_t ins = o.groups == 1 ? in.channels.size() : channels_read(o);
  const std::size_t positions = out.rows.size() * o.out.width;
  std::size_t read = element_count(in, o.in.width);
  if (o.what == kind::add) read *= o.inputs.size();
  if (o.what == kind::concat) read = element_count(out, o.out.width);
  const std::size_t floats =
      weight_count(o, outs, ins) + (o.bias ? outs : 0) + read + element_count(out, o.out.width);
  return {2.0 * static_cast<double>(multiply_adds(o, positions, outs, ins)),
          static_cast<double>(floats * sizeof(float))};
}

constexpr double seconds_on(const device& d, const work& w) {
  return std::max(w.flops / d.compute.flops_per_second, w.bytes / d.memory_bandwidth.bytes_per_second);
}

/// Adds up the messages of one exchange.
template <std::size_t Ranks>
class exchange_time {
 public:
  constexpr exchange_time(const cluster<Ranks>& c, std::size_t width) : devices_(c), width_(width) {}

  constexpr void add(std::size_t from, std::size_t to, const box& piece) {
    const link& joint = devices_.between(from, to);
    const double bytes = static_cast<double>(element_count(piece, width_) * sizeof(float));
    const double seconds = bytes / joint.bandwidth.bytes_per_second;
    sent_set_up_[from] += joint.message.seconds;
    received_set_up_[to] += joint.message.seconds;
    sent_[from] += seconds;
    received_[to] += seconds;
    bytes_ += bytes;
    ++messages_;
  }

  constexpr std::size_t messages() const { return messages_; }

  /// 0 when there is no message.
  constexpr double seconds() const {
    const bool shared = devices_.shared_medium();
    double longest = 0;
    for (std::size_t r = 0; r < Ranks; ++r) {
      const double set_up = std::max(sent_set_up_[r], received_set_up_[r]);
      longest = std::max(longest, shared ? set_up : set_up + std::max(sent_[r], received_[r]));
    }
    return shared && messages_ > 0 ? longest + bytes_ / devices_.between(0, 0).bandwidth.bytes_per_second
                                   : longest;
  }

 private:
  const cluster<Ranks>& devices_;
  std::size_t width_;
  std::size_t messages_ = 0;
  double bytes_ = 0;
  double sent_set_up_[Ranks]{}, received_set_up_[Ranks]{}, sent_[Ranks]{}, received_[Ranks]{};
};

/// Seconds of an exchange.
template <std::size_t Ranks, std::size_t Capacity>
constexpr double seconds_of(const cluster<Ranks>& c, const fixed_vector<message, Capacity>& messages,
                            std::size_t width) {
  exchange_time<Ranks> time(c, width);
  for (const message& m : messages) time.add(m.from, m.to, m.piece);
  return time.seconds();
}

/// True when the step is done by its producer while it stores its result.
template <std::size_t Operators, std::size_t Ranks>
constexpr bool is_free(op_list ops, const schedule<Operators, Ranks>& all, std::size_t index) {
  const step& s = all.steps[index];
  const op& o = ops[s.tensor];
  return index > 0 && !s.is_exchange && is_channelwise(o) && !is_weighted(o) &&
         all.steps[index - 1].output == s.inputs[0] && !all.steps[index - 1].is_exchange &&
         all.steps[index - 1].tensor != 0;
}

struct prediction {
  double makespan_seconds = 0;
  double compute_seconds = 0;   ///< of the makespan
  double exchange_seconds = 0;  ///< of the makespan
  std::size_t exchanges = 0;    ///< that have messages
  std::size_t messages = 0;
  std::size_t bytes = 0;
};

/// Of a plan and its schedule, or the part of it that is spelled out.
template <std::size_t Operators, std::size_t Ranks>
constexpr prediction predict(op_list ops, const cluster<Ranks>& c, const plan<Operators, Ranks>& p,
                             const schedule<Operators, Ranks>& all) {
  prediction sum;
  double busy[Ranks]{};
  const auto end_segment = [&] {
    double longest = 0;
    for (double& seconds : busy) longest = std::max(longest, seconds), seconds = 0;
    sum.compute_seconds += longest;
  };
  for (std::size_t i = 0; i < all.steps.size(); ++i) {
    const step& s = all.steps[i];
    if (!s.is_exchange) {
      if (s.tensor == 0 || is_free(ops, all, i)) continue;
      for (std::size_t r = 0; r < Ranks; ++r) {
        const box in = input_box(ops[s.tensor], p.decisions[s.tensor], r);
        busy[r] += seconds_on(c.devices[r], work_of(ops[s.tensor], in, all.result(s).boxes[r]));
      }
      continue;
    }
    const auto messages = messages_between(all.source(s), all.result(s));
    if (messages.empty()) continue;
    end_segment();
    sum.exchanges += 1;
    sum.messages += messages.size();
    for (const message& m : messages)
      sum.bytes += element_count(m.piece, ops[s.tensor].out.width) * sizeof(float);
    sum.exchange_seconds += seconds_of(c, messages, ops[s.tensor].out.width);
  }
  end_segment();
  sum.makespan_seconds = sum.compute_seconds + sum.exchange_seconds;
  return sum;
}

template <std::size_t Operators, std::size_t Ranks>
constexpr prediction predict(op_list ops, const cluster<Ranks>& c, const plan<Operators, Ranks>& p) {
  return predict(ops, c, p, spell_out(ops, p));
}

}  // namespace iop::planner
