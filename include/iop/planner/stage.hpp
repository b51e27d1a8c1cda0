// SPDX-License-Identifier: MIT
#pragma once

// One operator as the search sees it: its options (choices with their times), the distinct values that they
// make, and the distinct boxes of inputs that they need. A query is what the options have in common that need
// the same boxes of each input.

#include <iop/planner/choices.hpp>
#include <iop/planner/footprint.hpp>
#include <iop/planner/layout_table.hpp>

#include <cstddef>
#include <limits>

namespace iop::planner {

inline constexpr std::size_t nowhere = static_cast<std::size_t>(-1);
inline constexpr double no_limit = std::numeric_limits<double>::infinity();

template <std::size_t Ranks, std::size_t Most>
struct stage {
  choice_table<Ranks, Most> options{};
  column<double, Most * Ranks> seconds{};
  /// What stands for the slowest in bounds: of unlike devices the mean; of equal ones the time of one, the
  /// same one as long as they go on without an exchange.
  column<double, Most> typical{};
  column<std::size_t, Most> typical_rank{};       ///< of equal devices: that one
  column<double, Most> least{};                   ///< of the ranks that make something
  column<double, Most> effort{};                  ///< seconds × FLOP/s of all ranks
  column<rank_set, Most> busy{};                  ///< ranks that make something
  column<std::size_t, Most> made{};               ///< number of the value it makes
  column<std::size_t, Most> asked{};              ///< number of its query
  column<std::size_t, Most * Ranks> weights{};    ///< floats; where memory binds
  column<std::size_t, Most * Ranks> workspace{};  ///< floats; where memory binds

  layout_table<Ranks, Most> values{};            ///< that its options make
  per_input<layout_table<Ranks, Most>> needs{};  ///< of each input

  std::size_t queries = 0;
  column<std::size_t, Most * 4> query_needs{};  ///< of each input
  column<std::size_t, Most> first_option{};     ///< of each query, which begins a segment
  column<std::size_t, Most> last_option{};      ///< of each query
  column<std::size_t, Most> next_option{};      ///< with the same query; or nowhere
};

template <std::size_t Most, std::size_t Operators, std::size_t Ranks>
class stage_builder {
 public:
  constexpr stage_builder(const problem<Operators, Ranks>& p, std::size_t index,
                          const choice_table<Ranks, Most>& choices)
      : p_(p), o_(p.ops[index]), i_(index), inputs_(o_.inputs.size()) {
    made_.options = choices;
    const std::size_t count = choices.count;
    grow(made_.seconds, count * Ranks);
    grow_all(count, made_.typical, made_.typical_rank, made_.least, made_.effort, made_.busy, made_.made,
             made_.asked, made_.next_option);
    if (p.memory_binds) grow_all(count * Ranks, made_.weights, made_.workspace);
  }

  constexpr stage<Ranks, Most> run() {
    const std::size_t count = made_.options.count;
    for (std::size_t n = 0; n < count; ++n) {
      const std::size_t like = shared_alike(n);
      if (like == nowhere)
        add(n);
      else
        add_again(n, like);
    }
    return std::move(made_);
  }

 private:
  /// The choice before that cuts the same rows for a segment that ends elsewhere; or nowhere.
  constexpr std::size_t shared_alike(std::size_t n) const {
    const choice_table<Ranks, Most>& all = made_.options;
    if (n < all.first_strip || n >= all.strips_end) return nowhere;
    std::size_t like = n;
    while (like > all.first_strip) {
      --like;
      if (all.members[like] != all.members[n] || all.winograd[like] != all.winograd[n]) continue;
      for (std::size_t r = 0; r < Ranks; ++r)
        if (all.begin[like * Ranks + r] != all.begin[n * Ranks + r] ||
            all.end[like * Ranks + r] != all.end[n * Ranks + r])
          return nowhere;
      return like;
    }
    return nowhere;
  }

  constexpr void add_again(std::size_t n, std::size_t like) {
    for (std::size_t r = 0; r < Ranks; ++r) {
      const std::size_t to = n * Ranks + r, from = like * Ranks + r;
      made_.seconds[to] = made_.seconds[from];
      if (!p_.memory_binds) continue;
      made_.weights[to] = made_.weights[from], made_.workspace[to] = made_.workspace[from];
    }
    made_.least[n] = made_.least[like];
    made_.effort[n] = made_.effort[like];
    made_.busy[n] = made_.busy[like];
    made_.made[n] = made_.made[like];
    put_typical(n, made_.typical_rank[like], made_.typical[like]);
    ask(n, made_.asked[like]);
  }

  /// `otherwise`: who stands for all when the choice does not say it; `mean`: of unlike devices.
  constexpr void put_typical(std::size_t n, std::size_t otherwise, double mean) {
    const bool by_rows = made_.options.how[n] == partition::spatial;
    const std::size_t rank = by_rows ? made_.options.typical_rank[n] : otherwise;
    made_.typical_rank[n] = has(made_.busy[n], rank) ? rank : otherwise;
    made_.typical[n] = p_.are_alike ? made_.seconds[n * Ranks + made_.typical_rank[n]] : mean;
  }

  constexpr void add(std::size_t n) {
    const partition how = made_.options.how[n];
    const bool is_partial = how == partition::input_channel;
    const bool by_rows = how == partition::spatial;
    const rank_set winograd = made_.options.winograd[n];
    holding<Ranks> made{}, needed[4]{};
    made.tensor = i_;
    made.is_partial = is_partial;
    std::size_t same = Ranks, rows = 0, channels = 0, in_rows = 0, in_channels = 0;
    double sum = 0, effort = 0, least = 0;
    std::size_t busy = 0, first = 0;
    const bool skips_padding = p_.devices->devices[0].skips_padding;  // then a strip's place matters, too
    for (std::size_t r = 0; r < Ranks; ++r) {
      const std::size_t begin = made_.options.begin[n * Ranks + r], end = made_.options.end[n * Ranks + r];
      if (end <= begin) continue;
      box out{{0, o_.out.height}, {0, o_.out.channels}};
      if (by_rows)
        out.rows = {begin, end};
      else if (!is_partial)
        out.channels = {begin, end};
      const std::size_t h = out.rows.end - out.rows.begin, c = out.channels.end - out.channels.begin;
      if (h == 0 || c == 0) continue;
      made.of.rows.begin[r] = out.rows.begin, made.of.rows.end[r] = out.rows.end;
      made.of.channels.begin[r] = out.channels.begin, made.of.channels.end[r] = out.channels.end;
      made.of.ranks |= rank_set{1} << r;
      std::size_t ih = 0, ic = 0;  // of the first input
      for (std::size_t k = 0; k < inputs_; ++k) {
        box in = needed_input(o_, out, k);
        if (is_partial) in.channels = {begin, end};
        if (in.rows.end <= in.rows.begin || in.channels.end <= in.channels.begin) continue;
        needed[k].of.rows.begin[r] = in.rows.begin, needed[k].of.rows.end[r] = in.rows.end;
        needed[k].of.channels.begin[r] = in.channels.begin, needed[k].of.channels.end[r] = in.channels.end;
        needed[k].of.ranks |= rank_set{1} << r;
        if (k == 0) ih = in.rows.end - in.rows.begin, ic = in.channels.end - in.channels.begin;
      }
      double seconds = 0;
      // Equal devices take equal times for equal sizes.
      if (same < Ranks && p_.are_alike && !skips_padding && h == rows && c == channels && ih == in_rows &&
          ic == in_channels) {
        seconds = made_.seconds[n * Ranks + same];
      } else {
        const bool by_winograd = has(winograd, r);
        const device& d = p_.devices->devices[r];
        seconds = seconds_on(d, o_, work_of(d, o_, ih, ic, out, by_winograd), by_winograd);
        same = r, rows = h, channels = c, in_rows = ih, in_channels = ic;
      }
      made_.seconds[n * Ranks + r] = seconds;
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
      numbers[k] = made_.needs[k].number_of(needed[k], p_.ops[o_.inputs[k]].out);
    // With one input, a query is a need.
    std::size_t q = inputs_ == 1 ? numbers[0] : numbers[0] < known || inputs_ == 0 ? 0 : made_.queries;
    for (; q < made_.queries; ++q) {
      std::size_t k = 0;
      while (k < inputs_ && made_.query_needs[q * 4 + k] == numbers[k]) ++k;
      if (k == inputs_) return q;
    }
    q = made_.queries++;
    grow(made_.query_needs, (q + 1) * 4);
    grow(made_.first_option, q + 1);
    grow(made_.last_option, q + 1);
    for (std::size_t k = 0; k < inputs_; ++k) made_.query_needs[q * 4 + k] = numbers[k];
    made_.first_option[q] = nowhere;
    return q;
  }

  const problem<Operators, Ranks>& p_;
  op o_;  ///< a copy, see search_pieces.hpp
  std::size_t i_;
  std::size_t inputs_;
  stage<Ranks, Most> made_{};
};

}  // namespace iop::planner
