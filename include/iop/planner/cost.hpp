// SPDX-License-Identifier: MIT
#pragma once

// Predicted times. A share of an operator takes max(FLOPs / F, bytes / W), with each weight, input and output
// element moved once and a vector that is filled in part taking as long as a full one (device::channel_step);
// channel-wise operators behind their producer are free. Between two exchanges ranks do not wait for each
// other: a segment takes the longest rank's sum. An exchange takes, of the busiest rank, messages · α +
// bytes / B. The makespan is the sum of all.

#include <iop/planner/schedule.hpp>
#include <iop/spec/cluster.hpp>
#include <iop/spec/winograd.hpp>

#include <algorithm>
#include <cstddef>

namespace iop::planner {

struct work {
  double flops = 0;
  double bytes = 0;
  std::size_t channels = 0;  ///< of the output, where vectors run along them
};

/// Taps of all pixels in `rows` of the output: of Winograd's algorithm those that the direct form would take
/// for whole tiles.
constexpr std::size_t taps_of(const device& d, const op& o, range rows, bool by_winograd) {
  const window& w = o.win;
  if (by_winograd)
    return kernel_area(o) * winograd_outputs * winograd_outputs * winograd_tiles(rows.size(), o.out.width);
  if (!d.skips_padding || o.what != kind::conv2d || is_depthwise(o) || is_narrow(o))
    return kernel_area(o) * rows.size() * o.out.width;
  return taps_inside(rows, o.in.height, w.pad_top, w.kernel_height, w.stride_height, w.dilation_height) *
         taps_inside({0, o.out.width}, o.in.width, w.pad_left, w.kernel_width, w.stride_width,
                     w.dilation_width);
}

/// What computing `out` takes on `d`, from `in_rows` × `in_channels` of the first input. Winograd's algorithm
/// reads larger weights.
constexpr work work_of(const device& d, const op& o, std::size_t in_rows, std::size_t in_channels,
                       const box& out, bool by_winograd = false) {
  const std::size_t rows = out.rows.size(), channels = out.channels.size();
  if (rows == 0 || channels == 0 || o.what == kind::input) return {};
  const std::size_t outputs = rows * o.out.width * channels;
  const std::size_t ins = o.groups == 1 ? in_channels : channels_read(o);
  const std::size_t weights = weight_count(o, channels, ins);
  const std::size_t stored = by_winograd ? winograd_weight_count(channels, ins) : weights;
  std::size_t read = in_rows * o.in.width * in_channels;
  if (o.what == kind::add) read *= o.inputs.size();
  if (o.what == kind::concat) read = outputs;
  const std::size_t floats = stored + (o.bias ? channels : 0) + read + outputs;
  const std::size_t multiply_adds =
      is_weighted(o) ? channels * ins * taps_of(d, o, out.rows, by_winograd) : 0;
  return {
      2.0 * static_cast<double>(multiply_adds), static_cast<double>(floats * sizeof(float)),
      o.what == kind::conv2d && o.in.channels > 1 ? channels : 0};  // else along the pixels, or bytes decide
}

/// What computing the box `out` takes on `d`; `in` is what it reads of its first input.
constexpr work work_of(const device& d, const op& o, const box& in, const box& out,
                       bool by_winograd = false) {
  return work_of(d, o, in.rows.size(), in.channels.size(), out, by_winograd);
}

/// What a device sustains on an operator.
constexpr compute_rate rate_of(const device& d, const op& o, bool by_winograd) {
  const compute_rate own = by_winograd       ? d.winograd
                           : is_depthwise(o) ? d.depthwise
                           : is_narrow(o)    ? d.narrow
                                             : d.compute;
  return own.flops_per_second > 0 ? own : d.compute;
}

constexpr double seconds_on(const device& d, const op& o, const work& w, bool by_winograd = false) {
  double computing = w.flops / rate_of(d, o, by_winograd).flops_per_second;
  if (w.channels % d.channel_step != 0) {
    const std::size_t vectors = w.channels / d.channel_step + 1;
    computing *= static_cast<double>(vectors * d.channel_step) / static_cast<double>(w.channels);
  }
  const double moving = w.bytes / d.memory_bandwidth.bytes_per_second;
  return computing > moving ? computing : moving;
}

/// True when Winograd's algorithm saves the device time.
constexpr bool is_quicker_by_winograd(const device& d, const op& o, const box& in, const box& out) {
  if (!(d.winograd.flops_per_second > 0) || !has_winograd(o) || out.empty()) return false;
  return seconds_on(d, o, work_of(d, o, in, out, true), true) < seconds_on(d, o, work_of(d, o, in, out));
}

constexpr double quickest_on(const device& d, const op& o, const box& in, const box& out) {
  const bool by_winograd = is_quicker_by_winograd(d, o, in, out);
  return seconds_on(d, o, work_of(d, o, in, out, by_winograd), by_winograd);
}

/// The links of a cluster in plain arrays.
template <std::size_t Ranks>
struct link_table {
  double set_up[Ranks][Ranks]{};     ///< seconds of a message
  double per_float[Ranks][Ranks]{};  ///< seconds
  double shared_per_float = 0;       ///< where all share one medium
  bool are_alike = true;             ///< set_up and per_float are the same between any two

  constexpr link_table() = default;
  constexpr explicit link_table(const cluster<Ranks>& c) {
    const bool shared = c.shared_medium();
    for (std::size_t a = 0; a < Ranks; ++a)
      for (std::size_t b = 0; b < Ranks; ++b) {
        if (a == b) continue;
        const link joint = c.between(a, b);
        set_up[a][b] = joint.message.seconds;
        per_float[a][b] = shared ? 0 : sizeof(float) / joint.bandwidth.bytes_per_second;
      }
    for (std::size_t a = 0; a < Ranks; ++a)
      for (std::size_t b = 0; b < Ranks; ++b)
        if (a != b && (set_up[a][b] != set_up[0][Ranks - 1] || per_float[a][b] != per_float[0][Ranks - 1]))
          are_alike = false;
    if (shared && Ranks > 1) shared_per_float = sizeof(float) / c.between(0, 0).bandwidth.bytes_per_second;
  }
};

/// Adds up the messages of one exchange.
template <std::size_t Ranks>
class exchange_time {
 public:
  constexpr exchange_time(const link_table<Ranks>& links, std::size_t width) : links_(links), width_(width) {}

  constexpr void add(std::size_t from, std::size_t to, std::size_t rows, std::size_t channels) {
    const double floats = static_cast<double>(rows * width_ * channels);
    const double set_up = links_.set_up[from][to], seconds = floats * links_.per_float[from][to];
    sent_set_up_[from] += set_up;
    received_set_up_[to] += set_up;
    sent_[from] += seconds;
    received_[to] += seconds;
    floats_ += floats;
  }

  /// 0 when there is no message.
  constexpr double seconds() const {
    double longest = 0;
    for (std::size_t r = 0; r < Ranks; ++r) {
      const double set_up = sent_set_up_[r] > received_set_up_[r] ? sent_set_up_[r] : received_set_up_[r];
      const double seconds = set_up + (sent_[r] > received_[r] ? sent_[r] : received_[r]);
      if (seconds > longest) longest = seconds;
    }
    return longest + floats_ * links_.shared_per_float;
  }

 private:
  const link_table<Ranks>& links_;
  std::size_t width_;
  double floats_ = 0;
  double sent_set_up_[Ranks]{}, received_set_up_[Ranks]{}, sent_[Ranks]{}, received_[Ranks]{};
};

/// Seconds of an exchange.
template <std::size_t Ranks, std::size_t Capacity>
constexpr double seconds_of(const link_table<Ranks>& links, const fixed_vector<message, Capacity>& messages,
                            std::size_t width) {
  exchange_time<Ranks> time(links, width);
  for (const message& m : messages) time.add(m.from, m.to, m.piece.rows.size(), m.piece.channels.size());
  return time.seconds();
}
template <std::size_t Ranks, std::size_t Capacity>
constexpr double seconds_of(const cluster<Ranks>& c, const fixed_vector<message, Capacity>& messages,
                            std::size_t width) {
  return seconds_of(link_table<Ranks>(c), messages, width);
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
  const link_table<Ranks> links(c);
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
        const op& o = ops[s.tensor];
        const bool by_winograd = has(p.decisions[s.tensor].winograd, r);
        const box in = input_box(o, p.decisions[s.tensor], r);
        const work w = work_of(c.devices[r], o, in, all.result(s).boxes[r], by_winograd);
        busy[r] += seconds_on(c.devices[r], o, w, by_winograd);
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
    sum.exchange_seconds += seconds_of(links, messages, ops[s.tensor].out.width);
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
