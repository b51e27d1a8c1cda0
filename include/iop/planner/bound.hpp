// SPDX-License-Identifier: MIT
#pragma once

// The least time that any plan can still take from some point on, so that a search need not look where
// nothing good can come. Found back to front along the spine. Whatever branches beside the spine cost is left
// out, and of a run of operators without an exchange, which takes its slowest device's sum, one device's or
// the mean's is counted.
//
// Without an exchange an operator can only run where its input is, so the devices of a run become fewer and
// fewer. Of a run that loses devices, the last one's share is what counts: no less than the least share.

#include <iop/planner/joins.hpp>
#include <iop/planner/least_move.hpp>
#include <iop/planner/stage.hpp>

#include <algorithm>
#include <cstddef>

namespace iop::planner {

/// The least seconds to the end of the inference, by what comes next.
struct remainder {
  double onward = no_limit;  ///< behind the mean of the devices, when they go on or an exchange comes next
  double fewer = no_limit;   ///< behind the first device, when only some of them go on

  constexpr double from(double typical, double least) const {
    return typical + onward < least + fewer ? typical + onward : least + fewer;
  }
};

/// Of an operator on the spine.
template <std::size_t Ranks, std::size_t Most>
struct remainders {
  column<double, Most> onward{}, fewer{};              ///< behind each option
  column<double, Most> going_onward{}, going_fewer{};  ///< before it, when a run goes on with it
  column<double, Most> arriving{};                     ///< before it, from an exchange
  double least_arriving = no_limit;                    ///< of the options
  std::size_t query_count = 0;
  column<double, Most> query_arriving{};  ///< the least of its options, of each query
  column<std::size_t, Most> order{};      ///< of the queries, by that
  ways_to_join<Ranks, Most> ways{};

  constexpr remainder behind(std::size_t option) const { return {onward[option], fewer[option]}; }
};

template <std::size_t Most, std::size_t Operators, std::size_t Ranks>
class bound_builder {
 public:
  using table = remainders<Ranks, Most>;

  /// `reader`: the next operator on the spine, and what remains there; at the end 0 and nothing.
  constexpr bound_builder(const problem<Operators, Ranks>& p, std::size_t index,
                          const stage<Ranks, Most>& own, std::size_t reader_index,
                          const stage<Ranks, Most>* reader, const table* behind)
      : p_(p),
        i_(index),
        own_(own),
        next_(reader_index),
        reader_(reader),
        behind_(behind),
        is_fork_(p.main_path.is_fork[index]),
        tells_apart_(p.main_path.join[index] != 0 && !is_fork_),
        moves_(p, index) {}

  constexpr table run() {
    const std::size_t options = own_.options.count, values = own_.values.count;
    for (column<double, Most>* each :
         {&made_.onward, &made_.fewer, &made_.going_onward, &made_.going_fewer, &made_.arriving})
      grow(*each, options);
    if (has_reader()) look_at_queries();
    if (tells_apart_) look_at_ways();
    column<double, Most> onward{}, fewer{};
    column<bool, Most> is_known{};
    column<std::size_t, Most> row_of_value{};
    grow(onward, values);
    grow(fewer, values);
    grow(is_known, values);
    grow(row_of_value, values);
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
          row_of_value[v] = row_;
          onward[v] = rest.onward, fewer[v] = rest.fewer;
          is_known[v] = true;
        }
        if (tells_apart_) made_.ways.row[n] = row_of_value[v];
        rest = {onward[v], fewer[v]};
      }
      const double typical = own_.typical[n], least = own_.least[n];
      made_.onward[n] = rest.onward, made_.fewer[n] = rest.fewer;
      made_.going_onward[n] = (is_free ? 0 : typical) + rest.onward;
      made_.going_fewer[n] = (is_free ? 0 : least) + rest.fewer;
      made_.arriving[n] = rest.from(typical, least);
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
    if (!made.is_partial && provides(made.of, needed)) return {0, no_limit};
    const move_costs costs = costs_of(p_, made, needed);
    return {costs.of(costs.quickest), no_limit};
  }

  /// When the reader goes on with one of its options where some ranks hold what that needs.
  constexpr remainder going_on(std::size_t option, rank_set holding) const {
    const rank_set busy = reader_->busy[option];
    if ((busy & ~holding) != 0) return {0, 0};  // what it needs is padding only: nothing is known
    const double onward = behind_->going_onward[option], fewer = behind_->going_fewer[option];
    if (busy == holding) return {onward, fewer};
    return {no_limit, onward < fewer ? onward : fewer};
  }

  constexpr remainder in_segment(std::size_t n) {
    const choice_table<Ranks, Most>& own = own_.options;
    const std::size_t option = reader_->options.next_of(own.fused_until[n], own.members[n], own.level[n]);
    const rank_set held = own_.busy[n];
    const remainder rest = going_on(option, held);
    if (!tells_apart_) return rest;
    made_.ways.row[n] = row_ = nowhere;
    if (!is_promising(rest)) return rest;
    const bool is_alike = goes_on_alike(option, held);
    made_.ways.row[n] = new_row(is_alike ? rest : remainder{});
    if (is_alike) return rest;
    std::size_t k = 0;
    while (behind_->order[k] != reader_->asked[option]) ++k;
    go_on_by_way(k, option, held);
    return rest;
  }

  constexpr void look_at_ways() {
    for (std::size_t r = 0; r < Ranks; ++r) slack_ += p_.speed[r];
    slack_ = p_.least_flops_behind[i_] / (4 * slack_) + 2 * p_.least_message;
    ways_to_join<Ranks, Most>& ways = made_.ways;
    grow(ways.row, own_.options.count);
    if (next_ != p_.main_path.join[i_]) {
      const ways_to_join<Ranks, Most>& known = behind_->ways;
      ways.count = known.count, ways.known = known.known;
      for (std::size_t w = 0; w < known.known; ++w) ways.needed[w] = known.needed[w];
      return;
    }
    const std::size_t count = reader_->queries, other = p_.main_path.other_input[i_];
    while (ways.known < count && behind_->query_arriving[behind_->order[ways.known]] <
                                     behind_->query_arriving[behind_->order[0]] + slack_)
      ++ways.known;
    if (ways.known >= most_ways) ways.known = most_ways - 1;
    ways.count = ways.known < count ? ways.known + 1 : count;
    for (std::size_t w = 0; w < ways.known; ++w)
      ways.needed[w] = reader_->needs[other].entries[reader_->query_needs[behind_->order[w] * 4 + other]];
  }

  /// What remains so much behind is not told apart by way.
  constexpr bool is_promising(const remainder& rest) const {
    return rest.from(0, 0) < behind_->least_arriving + 1.5 * slack_;
  }

  /// What remains at most, by every way.
  constexpr std::size_t new_row(const remainder& alike) {
    ways_to_join<Ranks, Most>& ways = made_.ways;
    const std::size_t begin = row_ = rows_end_, end = rows_end_ += ways.count;
    grow(ways.onward, end);
    grow(ways.fewer, end);
    for (std::size_t n = begin; n < end; ++n) ways.onward[n] = alike.onward, ways.fewer[n] = alike.fewer;
    return row_;
  }

  /// Behind that option of the reader, all ways take the same.
  constexpr bool goes_on_alike(std::size_t option, rank_set holding) const {
    return next_ != p_.main_path.join[i_] &&
           ((reader_->busy[option] & ~holding) != 0 || behind_->ways.row[option] == nowhere);
  }

  /// As going_on, by way: with an option of the reader's query at place `k`.
  constexpr void go_on_by_way(std::size_t k, std::size_t option, rank_set holding) {
    ways_to_join<Ranks, Most>& ways = made_.ways;
    const std::size_t to = row_;
    auto& onward = ways.onward;
    auto& fewer = ways.fewer;
    if (next_ == p_.main_path.join[i_]) {
      const remainder on = going_on(option, holding);
      const std::size_t w = to + way_of(k);
      if (on.onward < onward[w]) onward[w] = on.onward;
      if (on.fewer < fewer[w]) fewer[w] = on.fewer;
      return;
    }
    const std::size_t from = behind_->ways.row[option], count = ways.count;
    const auto& on_onward = behind_->ways.onward;
    const auto& on_fewer = behind_->ways.fewer;
    const double typical = is_free_reader_ ? 0 : reader_->typical[option];
    const double least = is_free_reader_ ? 0 : reader_->least[option];
    auto& rest = reader_->busy[option] == holding ? onward : fewer;
    for (std::size_t w = 0; w < count; ++w) {
      const double next = typical + on_onward[from + w];
      if (next < rest[to + w]) rest[to + w] = next;
      if (least + on_fewer[from + w] < fewer[to + w]) fewer[to + w] = least + on_fewer[from + w];
    }
  }
  constexpr std::size_t way_of(std::size_t k) const { return k < made_.ways.known ? k : made_.ways.known; }

  /// The reader's options that need no move, and the queries that a move leads to.
  constexpr void put_ways(const remainder& best, rank_set held) {
    // What takes longer is told apart no further, and where the reader tells nothing apart, all ways are
    // alike.
    remainder alike{best.onward + slack_, no_limit};
    const auto& rows = behind_->ways.query_row;
    const bool is_at_join = next_ == p_.main_path.join[i_];
    for (std::size_t k = 0; k < looked_at_ && !is_at_join; ++k)
      if (rows[behind_->order[k]] == nowhere && move_[k] + arriving_[k] < alike.onward)
        alike.onward = move_[k] + arriving_[k];
    for (std::size_t n = 0; n < stays_; ++n) {
      if (!goes_on_alike(option_[n], held)) continue;
      const remainder on = going_on(option_[n], held);
      if (on.onward < alike.onward) alike.onward = on.onward;
      if (on.fewer < alike.fewer) alike.fewer = on.fewer;
    }
    const std::size_t count = made_.ways.count, to = new_row(alike);
    for (std::size_t n = 0; n < stays_; ++n)
      if (!goes_on_alike(option_[n], held)) go_on_by_way(place_[n], option_[n], held);
    auto& known = made_.ways.onward;
    for (std::size_t k = 0; k < looked_at_; ++k) {
      const double move = move_[k];
      if (move + arriving_[k] >= alike.onward) continue;
      if (is_at_join) {
        double& by_it = known[to + way_of(k)];
        if (move + arriving_[k] < by_it) by_it = move + arriving_[k];
        continue;
      }
      const auto& arriving = behind_->ways.arriving;
      const std::size_t from = rows[behind_->order[k]];
      for (std::size_t w = 0; w < count; ++w)
        if (move + arriving[from + w] < known[to + w]) known[to + w] = move + arriving[from + w];
    }
  }

  /// Of a fork: the least of all ways, where its value is, or is also where it has been brought.
  constexpr double fork_arriving(std::size_t k, const known_layout<Ranks>& needed) const {
    const ways_to_join<Ranks, Most>& ways = behind_->ways;
    const std::size_t row = ways.query_row[behind_->order[k]];
    if (row == nowhere) return arriving_[k];
    double least = no_limit;
    for (std::size_t w = 0; w < ways.count; ++w) {
      double arriving = ways.arriving[row + w];
      if (arriving >= least) continue;
      // On some routes to ranks that need everything, others get something on the way.
      if (!needed.all_rows || !needed.all_channels) {
        const double there = ways.fetching(moves_, needed, w);
        arriving += there < missing_[w] ? there : missing_[w];
      }
      if (arriving < least) least = arriving;
    }
    return least;
  }
  constexpr void look_at_fork(const known_layout<Ranks>& source) {
    for (std::size_t w = 0; w < behind_->ways.known; ++w) {
      fetching_[w] = moves_.received_seconds(source, behind_->ways.needed[w]);
      missing_[w] = behind_->ways.fetching(moves_, source, w);
    }
  }
  constexpr remainder fork_going_on(std::size_t option, rank_set holding) const {
    const rank_set busy = reader_->busy[option];
    if ((busy & ~holding) != 0 || behind_->ways.row[option] == nowhere) return going_on(option, holding);
    const auto& onward = behind_->ways.onward;
    const auto& fewer = behind_->ways.fewer;
    const std::size_t row = behind_->ways.row[option], count = behind_->ways.count;
    double next = no_limit, losing = no_limit;
    for (std::size_t w = 0; w < count; ++w) {
      const double fetching = fetching_[w];
      if (onward[row + w] + fetching < next) next = onward[row + w] + fetching;
      if (fewer[row + w] + fetching < losing) losing = fewer[row + w] + fetching;
    }
    next += is_free_reader_ ? 0 : reader_->typical[option];
    losing += is_free_reader_ ? 0 : reader_->least[option];
    if (busy == holding) return {next, losing};
    return {no_limit, next < losing ? next : losing};
  }

  /// The queries of the reader in order, and of each what every move to it takes.
  constexpr void look_at_queries() {
    while (p_.ops[next_].inputs[input_] != i_) ++input_;
    needed_ = &reader_->needs[input_];
    is_free_reader_ = is_channelwise(p_.ops[next_]) && !is_weighted(p_.ops[next_]);
    const std::size_t count = reader_->queries;
    grow(arriving_, count);
    grow(needs_, count);
    grow(ranks_, count);
    grow(fullest_, count);
    grow(floats_, count);
    grow(least_, count);
    grow(move_, count);
    grow(candidate_, count);
    for (std::size_t k = 0; k < count; ++k) {
      const std::size_t q = behind_->order[k];
      arriving_[k] = behind_->query_arriving[q];
      needs_[k] = reader_->query_needs[q * 4 + input_];
      const layout<Ranks> of = needed_->entries[needs_[k]].held.of;
      ranks_[k] = of.ranks;
      for (std::size_t r = 0; r < Ranks; ++r) {
        const std::size_t floats = (of.bottom[r] - of.top[r]) * (of.last[r] - of.first[r]);
        if (floats > floats_[k]) floats_[k] = floats, fullest_[k] = r;
      }
    }
  }

  constexpr remainder behind(std::size_t v) {
    const known_layout<Ranks> source = own_.values.entries[v];
    if (is_fork_) look_at_fork(source);
    remainder best;
    look_at_moves(source, best);
    const std::size_t count = looked_at_;
    // What a move takes exactly is dear: it is found out of those that may be the best, the least first.
    std::size_t candidates = 0;
    for (std::size_t k = 0; k < count; ++k) {
      if (least_[k] >= best.onward) continue;
      look_at_move(k, source);
      if (least_[k] < best.onward) candidate_[candidates++] = k;
    }
    for (;;) {
      double least = best.onward;
      std::size_t next = nowhere;
      for (std::size_t n = 0; n < candidates; ++n)
        if (least_[candidate_[n]] < least) next = candidate_[n], least = least_[next];
      if (next == nowhere) break;
      settle(next, source, best);
    }
    row_ = nowhere;
    if (!tells_apart_ || !is_promising(best)) return best;
    const double most = best.onward + slack_;
    for (std::size_t k = 0; k < count; ++k)
      if (least_[k] < most && move_[k] == no_limit) look_at_move(k, source);
    put_ways(best, source.held.of.ranks);
    return best;
  }

  constexpr void look_at_move(std::size_t k, const known_layout<Ranks>& source) {
    const known_layout<Ranks>& needed = needed_->entries[needs_[k]];
    const double move = p_.main_path.is_read_before[i_] ? moves_.received_seconds(source, needed)
                                                        : moves_.seconds(source, needed);
    if (arriving_[k] + move > least_[k]) least_[k] = arriving_[k] + move;
    move_[k] = least_[k] - arriving_[k];
  }

  /// Goes on with the queries whose boxes are there, and looks roughly at the moves to those others that may
  /// still be of interest, the first `looked_at_` in order.
  constexpr void look_at_moves(const known_layout<Ranks>& source, remainder& best) {
    const rank_set held = source.held.of.ranks;
    const bool is_partial = source.held.is_partial, is_whole = source.all_rows && source.all_channels;
    const bool is_joined = p_.ops[next_].inputs.size() > 1, is_read_before = p_.main_path.is_read_before[i_];
    // A sum takes a message of each summand, however it is made.
    const double messages = !is_partial || is_read_before ? 1 : source.count - 1;
    const double soonest = is_partial && source.count == 1 ? 0 : messages * p_.least_message;
    const double per_float = soonest > 0 ? static_cast<double>(p_.ops[i_].out.width) * p_.least_per_float : 0;
    stays_ = 0;
    std::size_t floats[Ranks]{};
    const std::size_t count = reader_->queries;
    for (std::size_t r = 0; r < Ranks && !is_partial; ++r)
      floats[r] = (source.held.of.bottom[r] - source.held.of.top[r]) *
                  (source.held.of.last[r] - source.held.of.first[r]);
    looked_at_ = count;
    // Most often the best for one value is good for the next one, too.
    const std::size_t guess = best_;
    if (!provides(source.held.of, needed_->entries[needs_[guess]].held.of) || is_partial)
      settle(guess, source, best);
    for (std::size_t k = 0; k < count; ++k) {
      const double arriving = arriving_[k];
      const std::size_t needed = floats_[k], had = floats[fullest_[k]];
      if (!is_partial && (ranks_[k] & ~held) == 0 && needed <= had &&
          (is_whole || provides(source.held.of, needed_->entries[needs_[k]].held.of))) {
        for (std::size_t n = reader_->first_option[behind_->order[k]]; n != nowhere;
             n = reader_->next_option[n]) {
          const remainder on = is_fork_ ? fork_going_on(n, held) : going_on(n, held);
          if (tells_apart_) {
            grow(place_, stays_ + 1);
            grow(option_, stays_ + 1);
            place_[stays_] = k, option_[stays_++] = n;
          }
          if (on.onward < best.onward) best.onward = on.onward;
          if (on.fewer < best.fewer) best.fewer = on.fewer;
        }
        if (is_joined && arriving < best.onward) best.onward = arriving;
        move_[k] = is_joined ? 0 : no_limit;
        least_[k] = no_limit;
        continue;
      }
      if (k >= looked_at_ || k == guess) continue;
      if (arriving + soonest >= best.onward + (tells_apart_ ? slack_ : 0)) {
        looked_at_ = k;  // to those that follow no move takes less
        continue;
      }
      move_[k] = no_limit;
      double least = soonest + arriving;
      if (needed > had) least += static_cast<double>(needed - had) * per_float;
      least_[k] = least;
    }
  }

  /// Finds out what arriving at the query at place `k` takes at least.
  constexpr void settle(std::size_t k, const known_layout<Ranks>& source, remainder& best) {
    const known_layout<Ranks>& needed = needed_->entries[needs_[k]];
    least_[k] = no_limit;
    move_[k] =
        p_.main_path.is_read_before[i_] ? moves_.received_seconds(source, needed) : quickest(source, needed);
    const double seconds = move_[k] + (is_fork_ ? fork_arriving(k, needed) : arriving_[k]);
    if (seconds < best.onward) best.onward = seconds, best_ = k;
  }

  constexpr double quickest(const known_layout<Ranks>& source, const known_layout<Ranks>& needed) const {
    if (moves_.is_exact(source, needed)) return moves_.seconds(source, needed);
    if (!needed.all_rows || !needed.all_channels)
      return direct_seconds(p_, p_.ops[i_].out.width, source.held.of, source.held.is_partial, needed.held.of);
    const move_costs costs = costs_of(p_, source.held, needed.held.of);
    return costs.of(costs.quickest);
  }

  constexpr void put_queries_in_order() {
    const std::size_t count = made_.query_count = own_.queries;
    if (tells_apart_) put_ways_of_queries();
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

  constexpr void put_ways_of_queries() {
    ways_to_join<Ranks, Most>& ways = made_.ways;
    grow(ways.query_row, own_.queries);
    const std::size_t count = ways.count;
    auto& arriving = ways.arriving;
    auto& onward = ways.onward;
    auto& fewer = ways.fewer;
    std::size_t end = 0;
    for (std::size_t q = 0; q < own_.queries; ++q) {
      double alike = no_limit;  // of the options whose ways are not told apart
      bool is_told_apart = false;
      for (std::size_t n = own_.first_option[q]; n != nowhere; n = own_.next_option[n])
        if (ways.row[n] != nowhere)
          is_told_apart = true;
        else if (made_.arriving[n] < alike)
          alike = made_.arriving[n];
      ways.query_row[q] = is_told_apart ? end : nowhere;
      if (!is_told_apart) continue;
      const std::size_t to = end;
      grow(ways.arriving, end += count);
      for (std::size_t w = 0; w < count; ++w) arriving[to + w] = alike;
      for (std::size_t n = own_.first_option[q]; n != nowhere; n = own_.next_option[n]) {
        const std::size_t from = ways.row[n];
        if (from == nowhere) continue;
        const double typical = own_.typical[n], least = own_.least[n];
        for (std::size_t w = 0; w < count; ++w) {
          const double next = typical + onward[from + w], losing = least + fewer[from + w];
          if (next < arriving[to + w]) arriving[to + w] = next;
          if (losing < arriving[to + w]) arriving[to + w] = losing;
        }
      }
    }
  }

  const problem<Operators, Ranks>& p_;
  std::size_t i_;
  const stage<Ranks, Most>& own_;
  std::size_t next_;
  const stage<Ranks, Most>* reader_;
  const table* behind_;
  table made_{};

  bool is_fork_;
  bool tells_apart_;  ///< what remains is known for each way to the next operator with several inputs
  least_move<Operators, Ranks> moves_;
  std::size_t rows_end_ = 0, row_ = 0;  ///< of the ways: behind all rows, and the begin of that in the making
  bool is_free_reader_ = false;
  std::size_t stays_ = 0;  ///< ways to go on without a move: query's place and option of the reader
  column<std::size_t, Most> place_{}, option_{};
  std::size_t best_ = 0;          ///< of the reader's queries, for the value before
  std::size_t looked_at_ = 0;     ///< queries of the reader: moves to the others take longer
  double slack_ = 0;              ///< what lies as far behind the best is told apart no further
  double fetching_[most_ways]{};  ///< of a fork's value, by way
  double missing_[most_ways]{};   ///< of it: the least of what a rank misses
  std::size_t input_ = 0;         ///< of the reader
  const layout_table<Ranks, Most>* needed_ = nullptr;  ///< of that
  column<double, Most> arriving_{};                    ///< of each query of the reader, and so on
  column<double, Most> move_{}, least_{};  ///< of one value: to the query, and with what remains there
  column<std::size_t, Most> candidate_{};
  column<std::size_t, Most> needs_{}, fullest_{}, floats_{};
  column<rank_set, Most> ranks_{};
};

}  // namespace iop::planner
