// SPDX-License-Identifier: MIT
#pragma once

// The least time that any plan can still take from some point on, so that a search need not look where
// nothing good can come. Found back to front along the spine. Of what branches beside the spine cost only
// their first operator is counted (side_reader.hpp), and of a run of operators without an exchange, which
// takes its slowest device's sum, one device's or the mean's is counted.
//
// Without an exchange an operator can only run where its input is, so the devices of a run become fewer and
// fewer. Of a run that loses devices, the last one's share is what counts: no less than the least share.

#include <iop/planner/fork.hpp>
#include <iop/planner/glance.hpp>
#include <iop/planner/least_move.hpp>
#include <iop/planner/queries_ahead.hpp>
#include <iop/planner/side_reader.hpp>
#include <iop/planner/twin_moves.hpp>
#include <iop/planner/ways_behind.hpp>

#include <cstddef>
#include <utility>

namespace iop::planner {

template <std::size_t Most, std::size_t Operators, std::size_t Ranks>
class bound_builder {
 public:
  using table = remainders<Ranks, Most>;

  /// `reader`: the next operator on the spine, and what remains there; at the end 0 and nothing. `side`: of
  /// the reader right behind that is not on the spine, if any. `twin`: of the one that makes moves alike.
  constexpr bound_builder(const problem<Operators, Ranks>& p, std::size_t index,
                          const stage<Ranks, Most>& own, std::size_t reader_index,
                          const stage<Ranks, Most>* reader, const table* behind,
                          const stage<Ranks, Most>* side, const twin_tables<Ranks, Most>& twin)
      : p_(p),
        o_(p.ops[index]),
        i_(index),
        own_(own),
        reader_(p, index, reader_index, reader, behind),
        moves_(p, index),
        side_(p, index, side),
        twin_(twin),
        has_twin_(p.moves_like[index] != 0),
        keeps_moves_(p.moves_like[p.twin[index]] == index),
        is_fork_(p.main_path.is_fork[index]),
        is_read_before_(p.main_path.is_read_before[index]),
        fork_(moves_, reader_),
        ways_(p, index, own, reader_, made_.ways),
        ahead_(reader_, moves_) {}

  constexpr table run() {
    const std::size_t options = own_.options.count, values = own_.values.count;
    grow_all(options, made_.onward, made_.fewer, made_.going_onward, made_.going_fewer, made_.arriving);
    grow_all(ahead_.count, on_.move, least_, is_settled_, candidate_, is_there_, looked_at_);
    grow_all(values, onward_, fewer_, past_side_, is_known_, typical_rank_, row_);
    if (side_.exists()) grow(made_.past_side, options);
    if (keeps_moves_) grow(made_.moves, values * ahead_.count);
    const bool is_free = is_channelwise(o_) && !is_weighted(o_);
    for (std::size_t n = 0; n < options; ++n) {
      remainder rest;
      if (own_.options.fused_until[n] > i_ && reader_.exists()) {
        rest = in_segment(n);
        if (side_.exists()) {
          made_.past_side[n] = rest.onward;
          rest.onward += side_.in_segment(own_, n, {own_.busy[n], own_.typical_rank[n]});
        }
      } else {
        const std::size_t v = own_.made[n];
        if (!is_known_[v] || typical_rank_[v] != own_.typical_rank[n]) {
          typical_rank_[v] = own_.typical_rank[n];
          rest = reader_.exists() ? behind(v) : delivered(v);
          onward_[v] = rest.onward, fewer_[v] = rest.fewer;
          is_known_[v] = true;
        }
        if (ways_.exist()) made_.ways.row[n] = row_[v];
        if (side_.exists()) made_.past_side[n] = past_side_[v];
        rest = {onward_[v], fewer_[v]};
      }
      const double typical = own_.typical[n], least = own_.least[n];
      made_.onward[n] = rest.onward, made_.fewer[n] = rest.fewer;
      made_.going_onward[n] = (is_free ? 0 : typical) + rest.onward;
      made_.going_fewer[n] = (is_free ? 0 : least) + rest.fewer;
      made_.arriving[n] = rest.from(typical, least);
    }
    if (ways_.exist()) ways_.put_queries(made_.arriving);
    put_queries_in_order();
    return std::move(made_);
  }

 private:
  constexpr remainder delivered(std::size_t v) const {
    box wanted[Ranks]{};
    wanted[p_.ends.output_rank] = whole(o_.out);
    const holding<Ranks>& made = own_.values[v].held;
    layout<Ranks> needed = layout_of(wanted);
    if (!made.is_partial && provides(made.of, needed)) return {0, no_limit};
    const move_costs costs = costs_of(p_, made, needed);
    return {costs.of(costs.quickest), no_limit};
  }

  constexpr remainder in_segment(std::size_t n) {
    const std::size_t option = reader_.own->options.going_on(own_.options, n, reader_.index);
    running here{own_.busy[n], own_.typical_rank[n]};
    remainder rest = reader_.going_on(option, here);
    if (ways_.exist()) made_.ways.row[n] = ways_.go_on(option, here, rest);
    return rest;
  }

  constexpr remainder behind(std::size_t v) {
    known_layout<Ranks> source = own_.values.entries[v];
    glance_ = {p_, o_, source, is_read_before_};
    if (is_fork_) fork_.look_at(source);
    if (has_twin_) twin_.look_from(v);
    value_ = v;
    remainder best;
    on_.stays = 0;
    running here{source.held.of.ranks, typical_rank_[v]};
    ++turn_;
    if (!source.held.is_partial) stay(source, here, best);
    past_side_[v] = best.onward;
    if (side_.exists() && best.onward < no_limit) best.onward += side_.behind(source, here);
    // Most often the best for one value is good for the next one, too.
    const std::size_t guess = best_;
    if (is_there_[guess] != turn_) {
      look_at_move(guess, source);
      if (least_[guess] < best.onward) settle(guess, source, best);
    }
    look_at_moves(source, best.onward);
    // What a move takes exactly is dear: it is found out of those that may be the best, the least first.
    for (;;) {
      double least = best.onward;
      std::size_t next = nowhere;
      for (std::size_t n = 0; n < candidates_; ++n)
        if (least_[candidate_[n]] < least) next = candidate_[n], least = least_[next];
      if (next == nowhere) break;
      settle(next, source, best);
    }
    if (best.onward < past_side_[v]) past_side_[v] = best.onward;
    row_[v] = nowhere;
    if (!ways_.exist() || !ways_.is_promising(best)) return best;
    look_at_moves(source, best.onward + ways_.slack());
    for (std::size_t k = 0; k < on_.looked_at; ++k)
      if (is_there_[k] == turn_)
        on_.move[k] = reader_.is_joined ? 0 : no_limit;
      else if (looked_at_[k] != turn_)
        on_.move[k] = no_limit;
    row_[v] = ways_.behind(on_, ahead_.arriving, best, here);
    return best;
  }

  /// Goes on with the queries whose boxes are there.
  constexpr void stay(const known_layout<Ranks>& source, const running& here, remainder& best) {
    const bool is_whole = source.all_rows && source.all_channels, has_ways = ways_.exist();
    for (std::size_t g = 0; g < ahead_.groups; ++g) {
      if ((ahead_.group[g] & ~here.ranks) != 0) continue;
      for (std::size_t k = glance_.next_there(ahead_, ahead_.first[g]); k != nowhere;
           k = glance_.next_there(ahead_, ahead_.next[k])) {
        if (!is_whole && !provides(source.held.of, ahead_.needed[k].held.of)) continue;
        is_there_[k] = turn_;
        for (std::size_t n = reader_.own->first_option[reader_.remains->order[k]]; n != nowhere;
             n = reader_.own->next_option[n]) {
          remainder rest = is_fork_ ? fork_.going_on(n, here) : reader_.going_on(n, here);
          if (has_ways) on_.stay(k, n);
          if (rest.onward < best.onward) best.onward = rest.onward;
          if (rest.fewer < best.fewer) best.fewer = rest.fewer;
        }
        if (reader_.is_joined && ahead_.arriving[k] < best.onward) best.onward = ahead_.arriving[k];
      }
    }
  }

  /// Looks roughly at the moves to others behind which the end may be nearer than `most`, the first
  /// `looked_at` in order. What is not seen at a glance to take as long is a candidate.
  constexpr void look_at_moves(const known_layout<Ranks>& source, double most) {
    const double soonest = glance_.soonest();
    candidates_ = 0;
    std::size_t k = glance_.next_near(ahead_, most, 0);
    for (; k < ahead_.count && ahead_.arriving[k] + soonest < most;
         k = glance_.next_near(ahead_, most, k + 1)) {
      if (looked_at_[k] == turn_ || is_there_[k] == turn_) continue;
      look_at_move(k, source);
      if (least_[k] < most) candidate_[candidates_++] = k;
    }
    on_.looked_at = k;
  }

  constexpr void look_at_move(std::size_t k, const known_layout<Ranks>& source) {
    const double known = has_twin_ ? twin_.to(reader_.remains->order[k]) : 0;
    double move = known < 0 ? -known : known;
    if (known == 0)
      move = is_read_before_ ? moves_.received_seconds(source, ahead_.needed[k])
                             : moves_.seconds(source, ahead_.needed[k]);
    on_.move[k] = move;
    least_[k] = ahead_.arriving[k] + move;
    is_settled_[k] = known > 0;
    looked_at_[k] = turn_;
    if (keeps_moves_) keep(k, known > 0 ? move : -move);
  }

  /// For the twin before.
  constexpr void keep(std::size_t k, double move) {
    made_.moves[value_ * ahead_.count + reader_.remains->order[k]] = move;
  }

  /// Finds out what arriving at the query at place `k` takes at least.
  constexpr void settle(std::size_t k, const known_layout<Ranks>& source, remainder& best) {
    least_[k] = no_limit;
    if (!is_settled_[k] && !is_read_before_) {
      on_.move[k] = quickest(source, ahead_.needed[k]);
      if (keeps_moves_) keep(k, on_.move[k]);
    }
    const double seconds =
        on_.move[k] +
        (is_fork_ ? fork_.arriving(reader_.remains->order[k], ahead_.needed[k]) : ahead_.arriving[k]);
    if (seconds < best.onward) best.onward = seconds, best_ = k;
  }

  constexpr double quickest(const known_layout<Ranks>& source, known_layout<Ranks> needed) const {
    if (moves_.is_exact(source, needed)) return moves_.seconds(source, needed);
    if (!needed.all_rows || !needed.all_channels)
      return direct_seconds(p_, o_.out.width, source.held.of, source.shared, source.held.is_partial,
                            needed.held.of);
    move_costs costs = costs_of(p_, source.held, source.shared, needed.held.of, true);
    return costs.of(costs.quickest);
  }

  constexpr void put_queries_in_order() {
    const std::size_t count = made_.query_count = own_.queries;
    grow(made_.query_arriving, count);
    grow(made_.order, count);
    for (std::size_t q = 0; q < count; ++q) {
      double least = no_limit;
      for (std::size_t n = own_.first_option[q]; n != nowhere; n = own_.next_option[n])
        if (made_.arriving[n] < least) least = made_.arriving[n];
      made_.query_arriving[q] = least;
      std::size_t at = q;
      for (; at > 0 && made_.query_arriving[made_.order[at - 1]] > least; --at)
        made_.order[at] = made_.order[at - 1];
      made_.order[at] = q;
    }
    if (count > 0) made_.least_arriving = made_.query_arriving[made_.order[0]];
  }

  const problem<Operators, Ranks>& p_;
  op o_;  ///< a copy, see search_pieces.hpp
  std::size_t i_;
  const stage<Ranks, Most>& own_;
  reader_ahead<Most, Operators, Ranks> reader_;
  least_move<Operators, Ranks> moves_;
  side_reader<Most, Operators, Ranks> side_;
  twin_moves<Ranks, Most> twin_;
  bool has_twin_;     ///< behind, that makes moves alike
  bool keeps_moves_;  ///< for a twin before
  bool is_fork_, is_read_before_;
  table made_{};
  fork<Most, Operators, Ranks> fork_;
  ways_behind<Most, Operators, Ranks> ways_;

  // Of each value made.
  column<double, Most> onward_{}, fewer_{}, past_side_{};
  column<bool, Most> is_known_{};
  column<std::size_t, Most> typical_rank_{};
  column<std::size_t, Most> row_{};  ///< of the ways; or nowhere

  // Of each query of the reader, in order.
  queries_ahead<Most, Operators, Ranks> ahead_;
  glance<Most, Operators, Ranks> glance_{};             ///< of one value
  column<std::size_t, Most> is_there_{}, looked_at_{};  ///< `turn_` for which it was so
  ways_on<Most> on_{};                                  ///< for one value, as are the next two
  column<double, Most> least_{};                        ///< the move with what remains there
  column<bool, Most> is_settled_{};                     ///< by the twin
  std::size_t value_ = 0;                               ///< the number of that value
  column<std::size_t, Most> candidate_{};
  std::size_t candidates_ = 0;
  std::size_t turn_ = 0;  ///< values that have been looked at
  std::size_t best_ = 0;  ///< for the value before
};

}  // namespace iop::planner
