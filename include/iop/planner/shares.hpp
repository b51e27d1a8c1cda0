// SPDX-License-Identifier: MIT
#pragma once

// Decisions for runs of operators: the shares that balance an operator cut by output channel, an interleaved
// pair or a strip of rows, and the same cuts carried through the operators that follow without an exchange.

#include <iop/planner/balance.hpp>
#include <iop/planner/cost.hpp>
#include <iop/planner/layout.hpp>

#include <array>
#include <cstddef>

namespace iop::planner {

template <std::size_t Ranks>
using share_list = std::array<range, Ranks>;

template <std::size_t Ranks>
constexpr decision<Ranks> decide(partition how, const ranges<Ranks>& shares) {
  decision<Ranks> d{how, route::direct, {}};
  for (std::size_t r = 0; r < Ranks; ++r) d.shares[r] = {shares.begin[r], shares.end[r]};
  return d;
}
template <std::size_t Ranks>
constexpr decision<Ranks> decide(partition how, const share_list<Ranks>& shares) {
  return decide(how, ranges_of(shares));
}

template <std::size_t Ranks>
constexpr decision<Ranks> decide_single(const op& o, std::size_t rank) {
  decision<Ranks> d;
  d.shares[rank] = {0, o.out.channels};
  return d;
}

template <std::size_t Ranks>
constexpr decision<Ranks> decide_replicated(const op& o) {
  decision<Ranks> d{partition::replicated, route::direct, {}};
  for (range& share : d.shares) share = {0, o.out.channels};
  return d;
}

/// Work of a fraction of an operator: `outs` output channels, `ins` of the input channels each reads, `rows`
/// rows.
constexpr work fraction_of(const op& o, double outs, double ins, double rows, bool by_winograd = false) {
  const double weights = is_weighted(o) ? outs * ins * static_cast<double>(kernel_area(o)) : 0;
  const double stored = by_winograd ? outs * ins * static_cast<double>(winograd_weight_count(1, 1)) : weights;
  const double in = static_cast<double>(o.groups == 1 ? 1 : o.groups) * ins *
                    static_cast<double>(o.in.width * o.in.height) * rows / static_cast<double>(o.out.height);
  const double out = outs * rows * static_cast<double>(o.out.width);
  return {2 * weights * rows * static_cast<double>(o.out.width), sizeof(float) * (stored + in + out), 0};
}

/// What a device needs for it, by Winograd's algorithm where that is quicker.
constexpr double seconds_of_fraction(const device& d, const op& o, double outs, double ins, double rows) {
  const double direct = seconds_on(d, o, fraction_of(o, outs, ins, rows));
  if (!(d.winograd.flops_per_second > 0) || !has_winograd(o)) return direct;
  const double transformed = seconds_on(d, o, fraction_of(o, outs, ins, rows, true), true);
  return transformed < direct ? transformed : direct;
}

/// The ranks that save time by computing their part by Winograd's algorithm.
template <std::size_t Ranks>
constexpr rank_set quicker_by_winograd(const op& o, const cluster<Ranks>& c, const decision<Ranks>& d) {
  rank_set quicker = 0;
  if (!has_winograd(o)) return quicker;
  for (std::size_t r = 0; r < Ranks; ++r) {
    const box out = output_box(o, d, r);
    if (is_quicker_by_winograd(c.devices[r], o, input_box(o, d, r), out))
      quicker |= rank_set{1} << r;
    else if (d.how == partition::replicated && !out.empty())
      return 0;  // replicas have the same bits
  }
  return quicker;
}

template <std::size_t Ranks>
constexpr std::size_t channel_step(const cluster<Ranks>& c, std::size_t channels) {
  std::size_t step = 1;
  for (const device& d : c.devices) step = std::max(step, d.channel_step);
  // Coarse steps only where they do not unbalance: at least four for each device.
  while (step > 1 && channels < 4 * Ranks * step) step /= 2;
  return step;
}

/// Output channels of a weighted operator.
template <std::size_t Ranks>
constexpr share_list<Ranks> balance_output_channels(const op& o, const cluster<Ranks>& c,
                                                    rank_set members = everyone, bool are_alike = false) {
  const std::size_t unit = std::max(channel_unit(o), channel_step(c, o.out.channels));
  const std::size_t whole_units =
      o.groups > 1 ? (unit + channel_unit(o) - 1) / channel_unit(o) * channel_unit(o) : unit;
  const double ins = static_cast<double>(channels_read(o)), rows = static_cast<double>(o.out.height);
  return balance<Ranks>(
      o.out.channels, whole_units,
      [&](std::size_t r, double units) {
        return seconds_of_fraction(c.devices[r], o, units * static_cast<double>(whole_units), ins, rows);
      },
      members, are_alike);
}

/// Channels between the two operators of an interleaved pair: outputs of the head, inputs of the tail.
template <std::size_t Ranks>
constexpr share_list<Ranks> balance_pair(const op& head, const op& tail, const cluster<Ranks>& c,
                                         rank_set members = everyone, bool are_alike = false) {
  const std::size_t unit = std::max(channel_unit(head), channel_step(c, head.out.channels));
  return balance<Ranks>(
      head.out.channels, unit,
      [&](std::size_t r, double units) {
        const double channels = units * static_cast<double>(unit);
        const double first =
            seconds_of_fraction(c.devices[r], head, channels, static_cast<double>(channels_read(head)),
                                static_cast<double>(head.out.height));
        const double ins =
            channels * static_cast<double>(tail.in.channels) / static_cast<double>(head.out.channels);
        return first + seconds_of_fraction(c.devices[r], tail, static_cast<double>(tail.out.channels), ins,
                                           static_cast<double>(tail.out.height));
      },
      members, are_alike);
}

/// Input channels of an operator that is cut by them.
template <std::size_t Ranks>
constexpr share_list<Ranks> balance_input_channels(const op& o, const cluster<Ranks>& c,
                                                   rank_set members = everyone, bool are_alike = false) {
  const std::size_t unit = channel_step(c, o.in.channels);
  return balance<Ranks>(
      o.in.channels, unit,
      [&](std::size_t r, double units) {
        return seconds_of_fraction(c.devices[r], o, static_cast<double>(o.out.channels),
                                   units * static_cast<double>(unit), static_cast<double>(o.out.height));
      },
      members, are_alike);
}

/// Output rows of a weighted operator, or of the operator `last` that ends a strip and follows it.
template <std::size_t Ranks>
constexpr share_list<Ranks> balance_rows(const op& o, const op& last, const cluster<Ranks>& c,
                                         rank_set members = everyone, bool are_alike = false) {
  const double scale = static_cast<double>(o.out.height) / static_cast<double>(last.out.height);
  return balance<Ranks>(
      last.out.height, 1,
      [&](std::size_t r, double rows) {
        return seconds_of_fraction(c.devices[r], o, static_cast<double>(o.out.channels),
                                   static_cast<double>(channels_read(o)), rows * scale);
      },
      members, are_alike);
}

}  // namespace iop::planner
