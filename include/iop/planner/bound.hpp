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
    return a.fused_until == b.fused_until && a.members == b.members && a.level == b.level &&
           b.made.how == partition::spatial;
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

  using entry = typename layout_table<Ranks>::entry;

  /// No route takes less. Of values that an operator makes and an exchange moves: what is cut is held once.
  constexpr double at_least(const entry& source, double per_float, const entry& needed) const {
    if (source.held.is_partial) return at_least_summed(source, per_float, needed);
    const rank_set lacking = needed.ranks & ~source.ranks;
    if (source.count == 1 && lacking != 0) return at_least_from_one(source, per_float, needed, lacking);
    return at_least_from_several(source, per_float, needed, lacking);
  }

 private:
  static constexpr double floats_of(const layout<Ranks>& of, std::size_t rank) {
    return static_cast<double>((of.bottom[rank] - of.top[rank]) * (of.last[rank] - of.first[rank]));
  }
  /// Messages that bring `parts` pieces together where each may bring all that its sender has got so far.
  static constexpr double least_messages(int parts) {
    double messages = 0;
    for (int reached = 1; reached < parts; reached *= 2) messages += 1;
    return messages;
  }

  /// Shards of a tensor that ranks scatter: how many of `count` get something, and by how many floats (of one
  /// column) one may be larger than the mean.
  struct shards {
    int count;
    double excess;
  };
  constexpr shards shards_of(std::size_t tensor, int count) const {
    const shape& extent = p_.ops[tensor].out;
    const bool by_rows = extent.height >= static_cast<std::size_t>(count);
    const std::size_t length = by_rows ? extent.height : extent.channels;
    return {length < static_cast<std::size_t>(count) ? static_cast<int>(length) : count,
            static_cast<double>(by_rows ? extent.channels : extent.height)};
  }

  constexpr double at_least_summed(const entry& source, double per_float, const entry& needed) const {
    const rank_set lacking = needed.ranks & ~source.ranks;
    const std::size_t rank = lacking != 0 ? lowest(lacking) : needed.second;
    const double others = source.count - (has(source.ranks, rank) ? 1 : 0);
    const double direct = others * (p_.least_message + floats_of(needed.held.of, rank) * per_float);
    if (needed.all_rows && needed.all_channels) {  // or summed in shards, which are gathered again
      const double floats = floats_of(needed.held.of, rank), holding = source.count;
      const shards parts = shards_of(source.held.tensor, source.count);
      const double gathering = needed.count > 3 ? least_messages(parts.count) : parts.count - 1;
      const double gathered =
          floats - floats / holding - ((source.ranks & ~needed.ranks) != 0 ? parts.excess : 0);
      const double scattered = (holding - 1 + gathering) * p_.least_message +
                               ((holding - 1) / holding * floats + (gathered > 0 ? gathered : 0)) * per_float;
      return direct < scattered ? direct : scattered;
    }
    const double sent = (needed.count - 1) * p_.least_message + (needed.floats - needed.most) * per_float;
    return direct > sent ? direct : sent;
  }

  constexpr double at_least_from_one(const entry& source, double per_float, const entry& needed,
                                     rank_set lacking) const {
    double messages = 0, sent = 0;
    for (std::size_t r = 0; r < Ranks; ++r)
      if (has(lacking, r)) messages += 1, sent += floats_of(needed.held.of, r);
    const double direct = messages * p_.least_message + sent * per_float;
    if (!needed.all_rows || !needed.all_channels || needed.count < 3) return direct;
    // Or scattered and gathered again.
    const double floats = floats_of(needed.held.of, lowest(lacking));
    const shards parts = shards_of(source.held.tensor, needed.count);
    if (parts.count < needed.count) {
      const double once = p_.least_message + floats * per_float;
      return direct < once ? direct : once;
    }
    const double rest = floats - floats / needed.count - parts.excess;
    const double scattered =
        (messages + 2) * p_.least_message + (floats + (rest > 0 ? rest : 0) * (1 - 1 / messages)) * per_float;
    return direct < scattered ? direct : scattered;
  }

  constexpr double at_least_from_several(const entry& source, double per_float, const entry& needed,
                                         rank_set lacking) const {
    const layout<Ranks>&held = source.held.of, &wanted = needed.held.of;
    const bool all_whole = needed.all_rows && needed.all_channels;
    // A rank in the middle has two neighbours.
    const std::size_t rank = lacking != 0 ? lowest(lacking) : needed.second;
    const double holding = source.count;
    double messages = 1, received = floats_of(wanted, rank);  // by the rank
    double sent_messages = 0, sent = 0;                       // by a holder, in the mean
    if (lacking == 0) {
      const std::size_t rows = wanted.bottom[rank] - wanted.top[rank];
      const std::size_t channels = wanted.last[rank] - wanted.first[rank];
      const std::size_t held_rows = held.bottom[rank] - held.top[rank];
      const std::size_t held_channels = held.last[rank] - held.first[rank];
      received -= static_cast<double>((held_rows < rows ? held_rows : rows) *
                                      (held_channels < channels ? held_channels : channels));
      messages = (wanted.top[rank] < held.top[rank]) + (wanted.bottom[rank] > held.bottom[rank]);
      if (messages == 0 && received > 0) messages = 1;
    } else if (!all_whole) {
      double receivers = 0;
      for (rank_set rest = lacking; rest != 0; rest &= rest - 1) receivers += 1;
      sent_messages = receivers / holding;
      sent = receivers * needed.least / holding;
    }
    // Who needs the whole of a dimension that is cut gets something from every holder.
    if ((!source.all_rows && needed.all_rows) || (!source.all_channels && needed.all_channels)) {
      messages = all_whole && needed.count > 3 ? least_messages(source.count)
                                               : holding - (has(source.ranks, rank) ? 1 : 0);
      if (!all_whole && needed.count > 1) {
        sent_messages = needed.count - 1;
        sent = (needed.floats - needed.most) / holding;
      }
    }
    const double receiving = messages * p_.least_message + received * per_float;
    const double sending = sent_messages * p_.least_message + sent * per_float;
    return receiving > sending ? receiving : sending;
  }

 public:
  /// However it comes, also on the way to other ranks or operators.
  constexpr double at_least_received(const entry& source, double per_float, const entry& needed) const {
    const layout<Ranks>&held = source.held.of, &wanted = needed.held.of;
    const rank_set lacking = needed.ranks & ~source.ranks;
    const bool is_summed = source.held.is_partial && source.count > 1;
    const std::size_t rank = lacking != 0 ? lowest(lacking) : needed.second;
    const std::size_t rows = wanted.bottom[rank] - wanted.top[rank];
    const std::size_t channels = wanted.last[rank] - wanted.first[rank];
    std::size_t received = rows * channels;
    if (!is_summed) {
      const std::size_t held_rows = held.bottom[rank] - held.top[rank];
      const std::size_t held_channels = held.last[rank] - held.first[rank];
      received -=
          (held_rows < rows ? held_rows : rows) * (held_channels < channels ? held_channels : channels);
    }
    if (received == 0) return 0;
    double most = static_cast<double>(received);
    if (lacking != 0 && !is_summed) {
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
