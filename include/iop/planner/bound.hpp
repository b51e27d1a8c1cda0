// SPDX-License-Identifier: MIT
#pragma once

// The least time that any plan can still take from some point on, so that a search need not look where
// nothing good can come. Found back to front along the spine. Whatever branches beside the spine cost is left
// out, and of a run of operators without an exchange, which takes its slowest device's sum, one device's or
// the mean's is counted.
//
// Without an exchange an operator can only run where its input is, so the devices of a run become fewer and
// fewer. Of a run that loses devices, the last one's share is what counts: no less than the least share.

#include <iop/planner/least_move.hpp>
#include <iop/planner/stage.hpp>

#include <algorithm>
#include <cstddef>

namespace iop::planner {

/// The least seconds to the end of the inference, by what comes next.
struct remainder {
  double exchanged = no_limit;  ///< behind the latest device, when an exchange comes next
  double same = no_limit;       ///< behind the mean of the devices, when they go on
  double fewer = no_limit;      ///< behind the first device, when only some of them go on

  constexpr double from(double latest, double typical, double least) const {
    const double soonest = latest + exchanged < typical + same ? latest + exchanged : typical + same;
    return soonest < least + fewer ? soonest : least + fewer;
  }
};

/// Of an operator on the spine.
template <std::size_t Ranks, std::size_t Most>
struct remainders {
  column<double, Most> exchanged{}, same{}, fewer{};  ///< behind each option
  column<double, Most> going_same{}, going_fewer{};   ///< before it, when a run goes on with it
  column<double, Most> arriving{};                    ///< before it, from an exchange
  double least_arriving = no_limit;                   ///< of the options
  column<double, Most> query_arriving{};              ///< the least of its options, of each query
  column<std::size_t, Most> order{};                  ///< of the queries, by that

  constexpr remainder behind(std::size_t option) const {
    return {exchanged[option], same[option], fewer[option]};
  }
};

template <std::size_t Most, std::size_t Operators, std::size_t Ranks>
class bound_builder {
 public:
  using table = remainders<Ranks, Most>;

  /// `reader`: the next operator on the spine, and what remains there; at the end 0 and nothing.
  constexpr bound_builder(const problem<Operators, Ranks>& p, std::size_t index,
                          const stage<Ranks, Most>& own, std::size_t reader_index,
                          const stage<Ranks, Most>* reader, const table* behind)
      : p_(p), i_(index), own_(own), next_(reader_index), reader_(reader), behind_(behind) {}

  constexpr table run() {
    const std::size_t options = own_.options.count, values = own_.values.count;
    for (column<double, Most>* each : {&made_.exchanged, &made_.same, &made_.fewer, &made_.going_same,
                                       &made_.going_fewer, &made_.arriving})
      grow(*each, options);
    if (has_reader()) look_at_queries();
    column<double, Most> exchanged{}, same{}, fewer{};
    column<bool, Most> is_known{};
    grow(exchanged, values);
    grow(same, values);
    grow(fewer, values);
    grow(is_known, values);
    const op& o = p_.ops[i_];
    const bool is_free = is_channelwise(o) && !is_weighted(o);
    for (std::size_t n = 0; n < options; ++n) {
      remainder rest;
      if (own_.options.fused_until[n] > i_ && has_reader()) {
        rest = in_segment(n);
      } else {
        const std::size_t v = own_.made[n];
        if (!is_known[v]) {
          rest = has_reader() ? behind(v) : delivered(v);
          exchanged[v] = rest.exchanged, same[v] = rest.same, fewer[v] = rest.fewer;
          is_known[v] = true;
        }
        rest = {exchanged[v], same[v], fewer[v]};
      }
      const double typical = own_.typical[n], least = own_.least[n];
      made_.exchanged[n] = rest.exchanged, made_.same[n] = rest.same, made_.fewer[n] = rest.fewer;
      made_.going_same[n] =
          (is_free ? 0 : typical) + (rest.exchanged < rest.same ? rest.exchanged : rest.same);
      made_.going_fewer[n] = (is_free ? 0 : least) + rest.fewer;
      made_.arriving[n] = rest.from(own_.latest[n], typical, least);
    }
    put_queries_in_order();
    return std::move(made_);
  }

 private:
  // Not by the pointers: under sanitizers g++ does not compare those of constants with null.
  constexpr bool has_reader() const { return next_ != 0; }

  constexpr remainder delivered(std::size_t v) const {
    box wanted[Ranks]{};
    wanted[p_.ends.output_rank] = whole(p_.ops[i_].out);
    const holding<Ranks>& made = own_.values[v].held;
    const layout<Ranks> needed = layout_of(wanted);
    if (!made.is_partial && provides(made.of, needed)) return {0, no_limit, no_limit};
    const move_costs costs = costs_of(p_, made, needed);
    return {costs.of(costs.quickest), no_limit, no_limit};
  }

  /// When the reader goes on with one of its options where some ranks hold what that needs.
  constexpr remainder going_on(std::size_t option, rank_set holding) const {
    const rank_set busy = reader_->busy[option];
    if ((busy & ~holding) != 0) return {0, 0, 0};  // what it needs is padding only: nothing is known
    const double same = behind_->going_same[option], fewer = behind_->going_fewer[option];
    if (busy == holding) return {no_limit, same, fewer};
    return {no_limit, no_limit, same < fewer ? same : fewer};
  }

  constexpr remainder in_segment(std::size_t n) const {
    const choice_table<Ranks, Most>& own = own_.options;
    return going_on(reader_->options.next_of(own.fused_until[n], own.members[n], own.level[n]), own_.busy[n]);
  }

  /// The queries of the reader in order, and of each what every move to it takes.
  constexpr void look_at_queries() {
    while (p_.ops[next_].inputs[input_] != i_) ++input_;
    const std::size_t count = reader_->queries;
    grow(arriving_, count);
    grow(needs_, count);
    grow(ranks_, count);
    grow(fullest_, count);
    grow(floats_, count);
    for (std::size_t k = 0; k < count; ++k) {
      const std::size_t q = behind_->order[k];
      arriving_[k] = behind_->query_arriving[q];
      needs_[k] = reader_->query_needs[q * 4 + input_];
      const layout<Ranks> of = reader_->needs[input_].entries[needs_[k]].held.of;
      ranks_[k] = of.ranks;
      for (std::size_t r = 0; r < Ranks; ++r) {
        const std::size_t floats = (of.bottom[r] - of.top[r]) * (of.last[r] - of.first[r]);
        if (floats > floats_[k]) floats_[k] = floats, fullest_[k] = r;
      }
    }
  }

  constexpr remainder behind(std::size_t v) const {
    const known_layout<Ranks> source = own_.values.entries[v];
    const rank_set held = source.held.of.ranks;
    const bool is_whole = !source.held.is_partial, is_joined = p_.ops[next_].inputs.size() > 1;
    const bool is_read_before = p_.main_path.is_read_before[i_];
    const double soonest = is_whole || source.count > 1 ? p_.least_message : 0;
    const double per_float = static_cast<double>(p_.ops[i_].out.width) * p_.least_per_float;
    const least_move<Operators, Ranks> moves(p_, i_);
    std::size_t floats[Ranks]{};
    for (std::size_t r = 0; r < Ranks && is_whole; ++r)
      floats[r] = (source.held.of.bottom[r] - source.held.of.top[r]) *
                  (source.held.of.last[r] - source.held.of.first[r]);
    remainder best;
    const std::size_t count = reader_->queries;
    for (std::size_t k = 0; k < count; ++k) {
      const double arriving = arriving_[k];
      if (is_whole && (ranks_[k] & ~held) == 0 &&
          provides(source.held.of, reader_->needs[input_].entries[needs_[k]].held.of)) {
        for (std::size_t n = reader_->first_option[behind_->order[k]]; n != nowhere;
             n = reader_->next_option[n]) {
          const remainder on = going_on(n, held);
          if (on.exchanged < best.exchanged) best.exchanged = on.exchanged;
          if (on.same < best.same) best.same = on.same;
          if (on.fewer < best.fewer) best.fewer = on.fewer;
        }
        if (is_joined && arriving < best.exchanged) best.exchanged = arriving;
        continue;
      }
      double least = soonest + arriving;
      if (least >= best.exchanged) continue;
      const std::size_t had = floats[fullest_[k]];
      if (floats_[k] > had) least += static_cast<double>(floats_[k] - had) * per_float;
      if (soonest > 0 && least >= best.exchanged) continue;
      const known_layout<Ranks>& needed = reader_->needs[input_].entries[needs_[k]];
      if (is_read_before) {
        least = arriving + moves.received_seconds(source, needed);
      } else {
        least = arriving + moves.seconds(source, needed);
        if (least < best.exchanged) least = arriving + quickest(source, needed);
      }
      if (least < best.exchanged) best.exchanged = least;
    }
    return best;
  }

  constexpr double quickest(const known_layout<Ranks>& source, const known_layout<Ranks>& needed) const {
    if (!needed.all_rows || !needed.all_channels)
      return direct_seconds(p_, p_.ops[i_].out.width, source.held.of, source.held.is_partial, needed.held.of);
    const move_costs costs = costs_of(p_, source.held, needed.held.of);
    return costs.of(costs.quickest);
  }

  constexpr void put_queries_in_order() {
    const std::size_t count = own_.queries;
    grow(made_.query_arriving, count);
    grow(made_.order, count);
    for (std::size_t q = 0; q < count; ++q) {
      double least = no_limit;
      for (std::size_t n = own_.first_option[q]; n != nowhere; n = own_.next_option[n])
        if (made_.arriving[n] < least) least = made_.arriving[n];
      if (least < made_.least_arriving) made_.least_arriving = least;
      made_.query_arriving[q] = least;
      std::size_t at = q;
      for (; at > 0 && made_.query_arriving[made_.order[at - 1]] > least; --at)
        made_.order[at] = made_.order[at - 1];
      made_.order[at] = q;
    }
  }

  const problem<Operators, Ranks>& p_;
  std::size_t i_;
  const stage<Ranks, Most>& own_;
  std::size_t next_;
  const stage<Ranks, Most>* reader_;
  const table* behind_;
  table made_{};

  std::size_t input_ = 0;  ///< of the reader
  column<double, Most> arriving_{};
  column<std::size_t, Most> needs_{}, fullest_{}, floats_{};
  column<rank_set, Most> ranks_{};
};

}  // namespace iop::planner
