// SPDX-License-Identifier: MIT
#pragma once

// The least time that any plan can still take from some point on, so that a search need not look where
// nothing good can come. Found back to front along the spine, the path of operators with the most work.
// Whatever branches beside the spine cost is left out, and of a run of operators without an exchange, which
// takes its slowest device's sum, one device's or the mean's is counted.
//
// Without an exchange an operator can only run where its input is, so the devices of a run become fewer and
// fewer. Of a run that loses devices, the last one's share is what counts: no less than the least share.

#include <iop/planner/stage.hpp>

#include <algorithm>
#include <cstddef>
#include <vector>

namespace iop::planner {

/// The stages of a problem, with bounds filled in.
template <std::size_t Operators, std::size_t Ranks>
class staging {
 public:
  constexpr staging(const problem<Operators, Ranks>& p, const choice_lists<Ranks>& choices) : p_(p) {
    stages_.reserve(p.ops.size());
    for (std::size_t i = 0; i < p.ops.size(); ++i) stages_.emplace_back(p, i, choices[i]);
    for (std::size_t i = 1; i < p.ops.size(); ++i) {
      link_segments(stages_[i - 1], stages_[i], i);
    }
    find_spine();
    for (std::size_t i = p.ops.size(); i-- > 0;) {
      if (stages_[i].is_on_spine) bound(i);
      put_in_order(stages_[i]);
    }
  }

  constexpr stage<Operators, Ranks>& operator[](std::size_t i) { return stages_[i]; }
  constexpr const stage<Operators, Ranks>& operator[](std::size_t i) const { return stages_[i]; }

  constexpr bool provides(std::size_t tensor, std::size_t value, std::size_t reader, std::size_t input,
                          std::size_t need) const {
    const holding<Ranks>& held = stages_.data()[tensor].values[value].held;
    return !held.is_partial && planner::provides(held.of, stages_.data()[reader].needs[input][need].held.of);
  }

  constexpr const move_costs& costs(std::size_t tensor, std::size_t value, std::size_t reader,
                                    std::size_t input, std::size_t need) {
    stage<Operators, Ranks>& s = stages_[reader];
    move_table<Ranks>& known = s.moves[input];
    std::uint32_t& state = known.state(value, need, s.needs[input].size());
    if (state == move_table<Ranks>::unknown)
      state = known.remember(costs_of(p_, stages_[tensor].values[value].held, s.needs[input][need].held.of));
    return known.costs(state);
  }

  constexpr const move_room<Ranks>& room(std::size_t tensor, std::size_t value, std::size_t reader,
                                         std::size_t input, std::size_t need, route how) {
    (void)costs(tensor, value, reader, input, need);
    stage<Operators, Ranks>& s = stages_[reader];
    return s.moves[input].room(s.moves[input].state(value, need, s.needs[input].size()), how, [&] {
      return room_of(p_, stages_[tensor].values[value].held.unpacked(),
                     rounds(tensor, value, reader, input, need, how));
    });
  }

  constexpr round_list<Ranks> rounds(std::size_t tensor, std::size_t value, std::size_t reader,
                                     std::size_t input, std::size_t need, route how) const {
    box needed[Ranks]{};
    for (std::size_t r = 0; r < Ranks; ++r) needed[r] = stages_[reader].needs[input][need].held.of[r];
    return rounds_of(stages_[tensor].values[value].held.unpacked(), needed, how, p_.ops[tensor].out,
                     collecting_rank(p_.ends, needed));
  }

  /// The operator on the spine that made the last of its tensors before operator i runs.
  constexpr std::size_t spine_before(std::size_t i) const { return spine_before_[i]; }

 private:
  constexpr void find_spine() {
    double work[Operators]{};  // of the heaviest path from an operator to the end
    for (std::size_t i = p_.ops.size(); i-- > 0;) {
      const op& o = p_.ops[i];
      if (stages_[i].spine_next != 0) work[i] = work[stages_[i].spine_next];
      work[i] += 1 + static_cast<double>(
                         multiply_adds(o, o.out.height * o.out.width, o.out.channels, channels_read(o)));
      for (const std::size_t input : o.inputs) {
        std::size_t& next = stages_[input].spine_next;
        if (next == 0 || work[i] > work[next]) next = i;
      }
    }
    for (std::size_t i = 0;; i = stages_[i].spine_next) {
      stages_[i].is_on_spine = true;
      const std::size_t next = stages_[i].spine_next;
      for (std::size_t k = i + 1; k <= (next == 0 ? i : next); ++k) {
        spine_before_[k] = i;
        for (const std::size_t input : p_.ops[k].inputs)
          if (input == i && k < next) stages_[i].is_read_before = true;
      }
      if (next == 0) break;
    }
  }

  constexpr void link_segments(stage<Operators, Ranks>& before, const stage<Operators, Ranks>& behind,
                               std::size_t index) {
    std::size_t cursor = 0;
    for (option<Ranks>& o : before.options) {
      if (o.chosen.fused_until < index) continue;
      while (!continues(o.chosen, behind.options[cursor].chosen)) ++cursor;
      o.next = cursor;
    }
  }
  static constexpr bool continues(const choice<Ranks>& a, const choice<Ranks>& b) {
    return a.fused_until == b.fused_until && a.members == b.members && b.made.how == partition::spatial;
  }

  constexpr void bound(std::size_t i) {
    stage<Operators, Ranks>& s = stages_[i];
    const std::size_t reader = s.spine_next;
    struct known {
      remainder behind{};
      bool is_known = false;
    };
    std::vector<known> of_value(s.values.size());
    for (option<Ranks>& o : s.options) {
      if (o.chosen.fused_until > i && reader != 0) {
        o.behind = in_segment(i, o);
      } else {
        known& value = of_value[o.made];
        if (!value.is_known) value = {reader == 0 ? delivered(i, o.made) : behind(i, o.made), true};
        o.behind = value.behind;
      }
      double latest = 0;
      for (const double seconds : o.seconds) latest = std::max(latest, seconds);
      o.arriving = least(o.behind, o.seconds, o.busy, latest);
    }
    for (query& q : s.queries)
      for (const std::size_t o : q.options) {
        if (s.options[o].arriving < q.arriving) q.arriving = s.options[o].arriving;
        if (q.arriving < s.least_arriving) s.least_arriving = q.arriving;
      }
  }

  static constexpr void put_in_order(stage<Operators, Ranks>& s) {
    s.order.reserve(s.queries.size());
    for (std::size_t q = 0; q < s.queries.size(); ++q) s.order.push_back(q);
    const query* queries = s.queries.data();
    std::sort(s.order.begin(), s.order.end(),
              [&](std::size_t a, std::size_t b) { return queries[a].arriving < queries[b].arriving; });
  }

 public:
  /// To the end, from these clocks.
  constexpr double least(const remainder& behind, const double (&clock)[Ranks], rank_set busy,
                         double latest) const {
    const share of = share_of(clock, busy);
    const double exchanged = latest + behind.exchanged, same = of.typical + behind.same;
    const double fewer = of.least + behind.fewer, going_on = same < fewer ? same : fewer;
    return exchanged < going_on ? exchanged : going_on;
  }

  /// No route takes less: what one rank lacks, or one alone holds, at the best of all links. Of values that
  /// an operator makes: what is cut is held once.
  constexpr double at_least(const typename layout_table<Ranks>::entry& source, double per_float,
                            const typename layout_table<Ranks>::entry& needed) const {
    const layout<Ranks>&held = source.held.of, &wanted = needed.held.of;
    const rank_set lacking = needed.ranks & ~source.ranks;
    // A rank in the middle has two neighbours.
    const std::size_t rank = lacking != 0 ? lowest(lacking) : needed.second;
    const std::size_t rows = wanted.bottom[rank] - wanted.top[rank];
    const std::size_t channels = wanted.last[rank] - wanted.first[rank];
    const double floats = static_cast<double>(rows * channels), holding = source.count;
    const double others = has(source.ranks, rank) ? holding - 1 : holding;
    const bool all_whole = needed.all_rows && needed.all_channels;
    double messages = 1, received = floats;  // by the rank
    double sent_messages = 0, sent = 0;      // by the holder that sends the most
    if (source.held.is_partial) {
      messages = others;
      received = floats * others;
      if (all_whole) {  // summed in shards, which are gathered again
        double gathering = holding - 1;
        if (needed.count > 3)
          for (gathering = 1; (1 << static_cast<int>(gathering)) < source.count;) gathering += 1;
        const double direct = messages * p_.least_message + received * per_float;
        const double scattered =
            (holding - 1 + gathering) * p_.least_message + 2 * (holding - 1) / holding * floats * per_float;
        return direct < scattered ? direct : scattered;
      }
      sent_messages = needed.count - 1;
      sent = needed.floats - needed.most;
    } else if (source.count == 1 && lacking != 0) {  // all comes from one
      messages = 0;
      received = 0;
      for (std::size_t r = 0; r < Ranks; ++r) {
        if (!has(lacking, r)) continue;
        messages += 1;
        received +=
            static_cast<double>((wanted.bottom[r] - wanted.top[r]) * (wanted.last[r] - wanted.first[r]));
      }
      if (all_whole && needed.count > 2) {  // scattered, it is gathered again
        const double scattered = (messages + 2) * p_.least_message +
                                 floats * (messages + needed.count - 1) / needed.count * per_float;
        const double direct = messages * p_.least_message + received * per_float;
        return direct < scattered ? direct : scattered;
      }
    } else {
      if (lacking == 0) {
        const std::size_t held_rows = held.bottom[rank] - held.top[rank];
        const std::size_t held_channels = held.last[rank] - held.first[rank];
        const std::size_t common =
            (held_rows < rows ? held_rows : rows) * (held_channels < channels ? held_channels : channels);
        received -= static_cast<double>(common);
        messages = (wanted.top[rank] < held.top[rank]) + (wanted.bottom[rank] > held.bottom[rank]);
        if (messages == 0 && received > 0) messages = 1;
      } else if (!all_whole) {
        double receivers = 0;
        for (rank_set rest = lacking; rest != 0; rest &= rest - 1) receivers += 1;
        sent = receivers * needed.least / holding;
        while (sent_messages * holding < receivers) sent_messages += 1;
      }
      // Who needs the whole of a dimension that is cut gets something from every holder.
      if ((!source.all_rows && needed.all_rows) || (!source.all_channels && needed.all_channels)) {
        messages = others;
        if (all_whole && needed.count > 3)  // in rounds that double what is there
          for (messages = 1; (1 << static_cast<int>(messages)) < source.count;) messages += 1;
        if (!all_whole && needed.count > 1) {
          sent_messages = needed.count - 1;
          sent = (needed.floats - needed.most) / holding;
        }
      }
    }
    const double receiving = messages * p_.least_message + received * per_float;
    const double sending = sent_messages * p_.least_message + sent * per_float;
    return receiving > sending ? receiving : sending;
  }

  /// However it comes, also on the way to other ranks or operators.
  constexpr double at_least_received(const typename layout_table<Ranks>::entry& source, double per_float,
                                     const typename layout_table<Ranks>::entry& needed) const {
    const layout<Ranks>&held = source.held.of, &wanted = needed.held.of;
    const rank_set lacking = needed.ranks & ~source.ranks;
    const std::size_t rank = lacking != 0 ? lowest(lacking) : needed.second;
    const std::size_t rows = wanted.bottom[rank] - wanted.top[rank];
    const std::size_t channels = wanted.last[rank] - wanted.first[rank];
    std::size_t received = rows * channels;
    if (!source.held.is_partial) {
      const std::size_t held_rows = held.bottom[rank] - held.top[rank];
      const std::size_t held_channels = held.last[rank] - held.first[rank];
      received -=
          (held_rows < rows ? held_rows : rows) * (held_channels < channels ? held_channels : channels);
    }
    if (received == 0) return 0;
    double most = static_cast<double>(received);
    if (lacking != 0 && !source.held.is_partial) {
      // All that ranks without anything need must leave those that have it.
      const auto& begin = needed.all_rows ? wanted.first : wanted.top;
      const auto& end = needed.all_rows ? wanted.last : wanted.bottom;
      std::size_t sent = 0, at = 0;
      for (std::size_t r = 0; r < Ranks; ++r) {
        if (!has(lacking, r) || end[r] <= at) continue;
        sent += end[r] - (begin[r] > at ? begin[r] : at);
        at = end[r];
      }
      const double leaving = static_cast<double>(sent * (needed.all_rows ? rows : channels)) / source.count;
      if (leaving > most) most = leaving;
    }
    return p_.least_message + most * per_float;
  }

 private:
  constexpr remainder delivered(std::size_t i, std::size_t v) const {
    box wanted[Ranks]{};
    wanted[p_.ends.output_rank] = whole(p_.ops[i].out);
    const holding<Ranks>& made = stages_[i].values[v].held;
    const layout<Ranks> needed(wanted);
    if (!made.is_partial && planner::provides(made.of, needed)) return {0, no_limit, no_limit};
    const move_costs costs = costs_of(p_, made, needed);
    return {costs.of(costs.quickest), no_limit, no_limit};
  }

  /// What stands for the slowest of some devices: of equal ones the first, which gets what an even cut leaves
  /// over, else the mean; and the least of them.
  struct share {
    double typical = 0;
    double least = 0;
  };
  constexpr share share_of(const double (&seconds)[Ranks], rank_set busy) const {
    double sum = 0, count = 0, least = 0, first = 0;
    for (std::size_t r = 0; r < Ranks; ++r) {
      if (!has(busy, r)) continue;
      if (count == 0) first = least = seconds[r];
      if (seconds[r] < least) least = seconds[r];
      sum += seconds[r];
      count += 1;
    }
    return {p_.are_alike ? first : sum / (count > 0 ? count : 1), least};
  }

  /// What the option of the next operator on the spine adds when it runs without an exchange before it.
  constexpr remainder going_on(std::size_t reader, const option<Ranks>& next, rank_set holding) const {
    const op& o = p_.ops[reader];
    const bool is_free = is_channelwise(o) && !is_weighted(o);
    const share of = share_of(next.seconds, next.busy);
    const double same = (is_free ? 0 : of.typical) + std::min(next.behind.exchanged, next.behind.same);
    const double fewer = (is_free ? 0 : of.least) + next.behind.fewer;
    if ((next.busy & ~holding) != 0) return {0, 0, 0};  // what it needs is padding only: nothing is known
    if (next.busy == holding) return {no_limit, same, fewer};
    return {no_limit, no_limit, std::min(same, fewer)};
  }

  constexpr remainder in_segment(std::size_t i, const option<Ranks>& o) const {
    const std::size_t reader = stages_[i].spine_next;
    const option<Ranks>* next = &o;
    for (std::size_t k = i; k < reader; ++k) next = &stages_[k + 1].options[next->next];
    return going_on(reader, *next, o.busy);
  }

  constexpr remainder behind(std::size_t i, std::size_t v) {
    const std::size_t index = stages_[i].spine_next;
    std::size_t input = 0;
    while (p_.ops[index].inputs[input] != i) ++input;
    stage<Operators, Ranks>& reader = stages_[index];
    const layout_table<Ranks>& needs = reader.needs[input];
    const double soonest = stages_[i].values[v].held.is_partial ? 0 : p_.least_message;
    const double per_float = static_cast<double>(p_.ops[i].out.width) * p_.least_per_float;
    const auto& source = stages_[i].values[v];
    const query* queries = reader.queries.data();
    remainder best;
    for (const std::size_t n : reader.order) {
      const query& q = queries[n];
      const auto& wanted = needs[q.needs[input]];
      const double arriving = q.arriving;
      if (!source.held.is_partial && (wanted.ranks & ~source.ranks) == 0 &&
          planner::provides(source.held.of, wanted.held.of)) {
        for (const std::size_t o : q.options) best.improve(going_on(index, reader.options[o], source.ranks));
        if (p_.ops[index].inputs.size() > 1 && arriving < best.exchanged) best.exchanged = arriving;
      } else if (soonest + arriving < best.exchanged) {
        const double least = (stages_[i].is_read_before ? at_least_received(source, per_float, wanted)
                                                        : at_least(source, per_float, wanted)) +
                             arriving;
        if (least < best.exchanged) best.exchanged = least;
      }
    }
    return best;
  }

  static constexpr std::size_t lowest(rank_set set) {
    std::size_t r = 0;
    while (!has(set, r)) ++r;
    return r;
  }

  const problem<Operators, Ranks>& p_;
  std::vector<stage<Operators, Ranks>> stages_;
  std::size_t spine_before_[Operators]{};
};

}  // namespace iop::planner
