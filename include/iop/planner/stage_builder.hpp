// SPDX-License-Identifier: MIT
#pragma once

// Builds the stage of an operator: what each choice takes on each device, makes and needs.

#include <iop/planner/footprint.hpp>
#include <iop/planner/twin_stage.hpp>

#include <cstddef>
#include <utility>

namespace iop::planner {

template <std::size_t Most, std::size_t Operators, std::size_t Ranks>
class stage_builder {
 public:
  /// `twin`: the stage of the operator's twin; nothing without.
  constexpr stage_builder(const problem<Operators, Ranks>& p, std::size_t index,
                          const choice_table<Ranks, Most>& choices, const stage<Ranks, Most>* twin)
      : p_(p),
        o_(p.ops[index]),
        i_(index),
        inputs_(o_.inputs.size()),
        skips_padding_(p.devices->devices[0].skips_padding),
        reads_all_channels_(has_partial_sums(o_)),
        twin_(p, index, twin) {
    made_.options = choices;
    const std::size_t count = choices.count;
    grow_all(count, made_.seconds, made_.typical, made_.typical_rank, made_.least, made_.effort, made_.busy,
             made_.made, made_.asked, made_.next_option);
    if (p.memory_binds) grow_all(count * Ranks, made_.weights, made_.workspace);
    if (p.twin[index] == 0) return;
    grow(made_.value_of_twin, twin->values.count);
    grow(made_.query_of_twin, twin->queries);
    for (std::size_t v = 0; v < twin->values.count; ++v) made_.value_of_twin[v] = nowhere;
    for (std::size_t q = 0; q < twin->queries; ++q) made_.query_of_twin[q] = nowhere;
  }

  constexpr stage<Ranks, Most> run() {
    const std::size_t count = made_.options.count;
    for (std::size_t n = 0; n < count; ++n) {
      const std::size_t like = shared_alike(n), twins = like == nowhere ? twin_.alike(made_.options, n) : 0;
      if (like != nowhere)
        add_again(n, like);
      else if (twins != nowhere)
        add_as_twin(n, twins);
      else
        add(n);
    }
    return std::move(made_);
  }

 private:
  /// The choice that cuts the same rows for a segment that ends one operator before; or nowhere.
  constexpr std::size_t shared_alike(std::size_t n) const {
    const choice_table<Ranks, Most>& all = made_.options;
    const std::size_t depth = all.fused_until[n] - i_;
    if (depth == 0) return nowhere;
    const std::size_t like = all.next_of(depth - 1, all.members[n], all.level[n]);
    return like < all.count && all.cuts_alike(n, all, like) ? like : nowhere;
  }

  constexpr void add_again(std::size_t n, std::size_t like) {
    put_times(n, made_, like);
    made_.made[n] = made_.made[like];
    ask(n, made_.asked[like]);
  }

  constexpr void add_as_twin(std::size_t n, std::size_t like) {
    const stage<Ranks, Most>& twin = *twin_.stage;
    put_times(n, twin, like);
    std::size_t& value = made_.value_of_twin[twin.made[like]];
    if (value == nowhere) {
      known_layout<Ranks> known = twin.values.entries[twin.made[like]];
      known.held.tensor = i_;
      value = made_.values.number_of(known);
    }
    made_.made[n] = value;
    std::size_t& query = made_.query_of_twin[twin.asked[like]];
    if (query == nowhere) {
      std::size_t numbers[4]{};
      const std::size_t known = made_.needs[0].size();
      for (std::size_t k = 0; k < inputs_; ++k)
        numbers[k] =
            made_.needs[k].number_of(twin.needs[k].entries[twin.query_needs[twin.asked[like] * 4 + k]]);
      query = query_of(numbers, known);
    }
    ask(n, query);
  }

  /// Those of a choice that cuts alike, of this stage or its twin.
  constexpr void put_times(std::size_t n, const stage<Ranks, Most>& of, std::size_t like) {
    made_.seconds[n] = of.seconds[like];
    for (std::size_t r = 0, to = n * Ranks, from = like * Ranks; r < Ranks && p_.memory_binds;
         ++r, ++to, ++from)
      made_.weights[to] = of.weights[from], made_.workspace[to] = of.workspace[from];
    made_.least[n] = of.least[like];
    made_.effort[n] = of.effort[like];
    made_.busy[n] = of.busy[like];
    put_typical(n, of.typical_rank[like], of.typical[like]);
  }

  /// `otherwise`: who stands for all when the choice does not say it; `mean`: of unlike devices.
  constexpr void put_typical(std::size_t n, std::size_t otherwise, double mean) {
    const bool by_rows = made_.options.how[n] == partition::spatial;
    const std::size_t rank = by_rows ? made_.options.typical_rank[n] : otherwise;
    made_.typical_rank[n] = has(made_.busy[n], rank) ? rank : otherwise;
    made_.typical[n] = p_.are_alike ? made_.seconds[n].of[made_.typical_rank[n]] : mean;
  }

  constexpr void add(std::size_t n) {
    ranges<Ranks> shares = made_.options.shares[n];
    const rank_set winograd = made_.options.winograd[n];
    const bool is_partial = made_.options.how[n] == partition::input_channel;
    const bool by_rows = made_.options.how[n] == partition::spatial;
    holding<Ranks> made{}, needed[4]{};
    made.tensor = i_;
    made.is_partial = is_partial;
    double sum = 0, effort = 0, least = 0;
    std::size_t busy = 0, first = 0;
    for (std::size_t r = 0; r < Ranks; ++r) {
      const std::size_t begin = shares.begin[r], end = shares.end[r];
      if (end <= begin) continue;
      box out{{0, o_.out.height}, {0, o_.out.channels}};
      if (by_rows)
        out.rows = {begin, end};
      else if (!is_partial)
        out.channels = {begin, end};
      if (out.rows.end <= out.rows.begin || out.channels.end <= out.channels.begin) continue;
      made.of.rows.begin[r] = out.rows.begin, made.of.rows.end[r] = out.rows.end;
      made.of.channels.begin[r] = out.channels.begin, made.of.channels.end[r] = out.channels.end;
      made.of.ranks |= rank_set{1} << r;
      look_at_inputs(out);
      box in{};  // of the first input in the end
      for (std::size_t k = inputs_; k-- > 0;) {
        in = reads_[k];
        if (is_partial) in.channels = {begin, end};
        if (in.rows.end <= in.rows.begin || in.channels.end <= in.channels.begin) continue;
        needed[k].of.rows.begin[r] = in.rows.begin, needed[k].of.rows.end[r] = in.rows.end;
        needed[k].of.channels.begin[r] = in.channels.begin, needed[k].of.channels.end[r] = in.channels.end;
        needed[k].of.ranks |= rank_set{1} << r;
      }
      const double seconds = seconds_of(r, in, out, (winograd >> r & 1) != 0);
      made_.seconds[n].of[r] = seconds;
      if (busy == 0) least = seconds, first = r;
      if (seconds < least) least = seconds;
      sum += seconds;
      effort += seconds * p_.speed[r];
      ++busy;
    }
    if (p_.memory_binds) weigh(n);
    made_.least[n] = least;
    made_.effort[n] = effort;
    made_.busy[n] = made.of.ranks;
    put_typical(n, first, busy == 0 ? 0 : sum / static_cast<double>(busy));
    made_.made[n] = made_.values.number_of(made, o_.out);
    ask(n, number_of(needed));
  }

  /// What `out` is computed from: mostly the same as the box before.
  constexpr void look_at_inputs(const box& out) {
    if (out.rows.begin == made_before_.rows.begin && out.rows.end == made_before_.rows.end &&
        (reads_all_channels_ || out.channels == made_before_.channels))
      return;
    made_before_ = out;
    for (std::size_t k = 0; k < inputs_; ++k) reads_[k] = needed_input(o_, out, k);
  }

  /// Equal devices take equal times for equal sizes.
  constexpr double seconds_of(std::size_t r, const box& in, const box& out, bool by_winograd) {
    share s{in.rows.end - in.rows.begin,         in.channels.end - in.channels.begin,
            out.rows.end - out.rows.begin,       out.channels.end - out.channels.begin,
            skips_padding_ ? out.rows.begin : 0, by_winograd};
    if (p_.are_alike && s.rows == timed_.rows && s.channels == timed_.channels &&
        s.in_rows == timed_.in_rows && s.in_channels == timed_.in_channels && s.top == timed_.top &&
        by_winograd == timed_.by_winograd)
      return seconds_;
    const device& d = p_.devices->devices[r];
    timed_ = s;
    seconds_ = seconds_on(d, o_, work_of(d, o_, s.in_rows, s.in_channels, out, by_winograd), by_winograd);
    return seconds_;
  }

  constexpr void ask(std::size_t n, std::size_t query) {
    made_.asked[n] = query;
    made_.next_option[n] = nowhere;
    if (made_.options.inside[n]) return;
    if (made_.first_option[query] == nowhere)
      made_.first_option[query] = n;
    else
      made_.next_option[made_.last_option[query]] = n;
    made_.last_option[query] = n;
  }

  constexpr void weigh(std::size_t n) {
    const decision<Ranks> d = made_.options[n].made;
    for (std::size_t r = 0; r < Ranks; ++r) {
      made_.weights[n * Ranks + r] = place_weights(o_, d, r, 0).end;
      made_.workspace[n * Ranks + r] = workspace_of(o_, d, r);
    }
  }

  constexpr std::size_t number_of(const holding<Ranks> (&needed)[4]) {
    std::size_t numbers[4]{};
    const std::size_t known = made_.needs[0].size();
    for (std::size_t k = 0; k < inputs_; ++k)
      numbers[k] = made_.needs[k].number_of(needed[k], p_.ops[o_.inputs[k]].out, false);
    return query_of(numbers, known);
  }

  /// `known`: needs of the first input before.
  constexpr std::size_t query_of(const std::size_t (&numbers)[4], std::size_t known) {
    // With one input, a query is a need.
    std::size_t q = inputs_ == 1 ? numbers[0] : numbers[0] < known || inputs_ == 0 ? 0 : made_.queries;
    for (; q < made_.queries; ++q) {
      std::size_t k = 0;
      while (k < inputs_ && made_.query_needs[q * 4 + k] == numbers[k]) ++k;
      if (k == inputs_) return q;
    }
    q = made_.queries++;
    if constexpr (Most == unbounded)
      grow(made_.query_needs, (q + 1) * 4), grow_all(q + 1, made_.first_option, made_.last_option);
    for (std::size_t k = 0; k < inputs_; ++k) made_.query_needs[q * 4 + k] = numbers[k];
    made_.first_option[q] = nowhere;
    return q;
  }

  const problem<Operators, Ranks>& p_;
  op o_;  ///< a copy, see search_pieces.hpp
  std::size_t i_;
  std::size_t inputs_;
  bool skips_padding_;       ///< then a strip's place matters, too
  bool reads_all_channels_;  ///< of its input, for each output channel
  twin_stage<Ranks, Most> twin_;
  stage<Ranks, Most> made_{};

  /// What the time of a share depends on.
  struct share {
    std::size_t in_rows = 0, in_channels = 0, rows = 0, channels = 0, top = 0;
    bool by_winograd = false;
  };
  share timed_{};  ///< the last one
  double seconds_ = 0;
  box made_before_{};  ///< the last one
  box reads_[4]{};     ///< what it needs of each input
};

}  // namespace iop::planner
