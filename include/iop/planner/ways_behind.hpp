// SPDX-License-Identifier: MIT
#pragma once

// Builds what remains by the ways to the next join, of an operator before it: a row of all ways behind each
// value that is promising enough, from the rows of the operator's reader.

#include <iop/planner/remainder.hpp>

#include <cstddef>

namespace iop::planner {

template <std::size_t Most, std::size_t Operators, std::size_t Ranks>
class ways_behind {
 public:
  using reader = reader_ahead<Most, Operators, Ranks>;

  constexpr ways_behind(const problem<Operators, Ranks>& p, std::size_t index, const stage<Ranks, Most>& own,
                        const reader& ahead, ways_to_join<Ranks, Most>& made)
      : own_(own),
        reader_(ahead),
        made_(made),
        is_told_apart_(p.main_path.join[index] != 0 && !p.main_path.is_fork[index]) {
    if (!is_told_apart_) return;
    grow(made_.row, own.options.count);
    double speed = 0;
    for (std::size_t r = 0; r < Ranks; ++r) speed += p.speed[r];
    slack_ = p.least_flops_behind[index] / (6 * speed) + p.least_message;
    if (!reader_.is_join) {
      const ways_to_join<Ranks, Most>& known = reader_.remains->ways;
      made_.count = known.count, made_.known = known.known;
      for (std::size_t w = 0; w < known.known; ++w) made_.needed[w] = known.needed[w];
      return;
    }
    const auto& queries = *reader_.remains;
    const std::size_t count = reader_.own->queries, other = p.main_path.other_input[index];
    std::size_t known = 0;
    while (known < count && known + 1 < most_ways &&
           queries.query_arriving[queries.order[known]] < queries.query_arriving[queries.order[0]] + slack_)
      ++known;
    made_.known = known;
    made_.count = known < count ? known + 1 : count;
    for (std::size_t w = 0; w < known; ++w)
      made_.needed[w] =
          reader_.own->needs[other].entries[reader_.own->query_needs[queries.order[w] * 4 + other]];
  }

  /// The operator's ways are told apart at all.
  constexpr bool exist() const { return is_told_apart_; }
  /// What takes longer than the best by as much is told apart no further.
  constexpr double slack() const { return slack_; }
  /// Enough to tell apart what remains behind a value.
  constexpr bool is_promising(const remainder& rest) const {
    return rest.from(0, 0) < reader_.remains->least_arriving + 1.5 * slack_;
  }

  /// The row of an option whose segment goes on with one of the reader's.
  constexpr std::size_t go_on(std::size_t option, const running& before, const remainder& rest) {
    if (!is_promising(rest)) return nowhere;
    const bool is_alike = goes_on_alike(option, before);
    const std::size_t row = new_row(is_alike ? rest : remainder{});
    if (is_alike) return row;
    std::size_t k = 0;
    while (reader_.remains->order[k] != reader_.own->asked[option]) ++k;
    go_on_by_way(row, k, option, before);
    return row;
  }

  /// The row of a value which those hold, behind which `best` remains; `arriving`: what remains from each
  /// query of the reader, in order.
  constexpr std::size_t behind(const ways_on<Most>& on, const column<double, Most>& arriving,
                               const remainder& best, const running& before) {
    // What takes longer is told apart no further, and what the reader does not tell apart is alike by all
    // ways.
    remainder alike{best.onward + slack_, no_limit};
    const auto& rows = reader_.remains->ways.query_row;
    const auto& order = reader_.remains->order;
    for (std::size_t k = 0; k < on.looked_at && !reader_.is_join; ++k)
      if (rows[order[k]] == nowhere && on.move[k] + arriving[k] < alike.onward)
        alike.onward = on.move[k] + arriving[k];
    std::size_t told_apart = 0;
    grow(told_apart_, on.stays);
    for (std::size_t n = 0; n < on.stays; ++n) {
      if (!goes_on_alike(on.option[n], before)) {
        told_apart_[told_apart++] = n;
        continue;
      }
      remainder rest = reader_.going_on(on.option[n], before);
      if (rest.onward < alike.onward) alike.onward = rest.onward;
      if (rest.fewer < alike.fewer) alike.fewer = rest.fewer;
    }
    const std::size_t count = made_.count, to = new_row(alike);
    for (std::size_t n = 0; n < told_apart; ++n)
      go_on_by_way(to, on.place[told_apart_[n]], on.option[told_apart_[n]], before);
    double known[most_ways]{};
    for (std::size_t w = 0; w < count; ++w) known[w] = made_.onward[to + w];
    for (std::size_t k = 0; k < on.looked_at; ++k) {
      const double move = on.move[k];
      if (move + arriving[k] >= alike.onward) continue;
      if (reader_.is_join) {
        const std::size_t w = way_of(k);
        if (move + arriving[k] < known[w]) known[w] = move + arriving[k];
        continue;
      }
      const double* const there = &reader_.remains->ways.arriving[rows[order[k]]];
      for (std::size_t w = 0; w < count; ++w)
        if (move + there[w] < known[w]) known[w] = move + there[w];
    }
    for (std::size_t w = 0; w < count; ++w) made_.onward[to + w] = known[w];
    return to;
  }

  /// The rows of the operator's own queries, from those of its options; `arriving`: what remains from an
  /// exchange to each.
  constexpr void put_queries(const column<double, Most>& arriving) {
    grow(made_.query_row, own_.queries);
    const std::size_t count = made_.count;
    auto& least = made_.arriving;
    std::size_t end = 0;
    for (std::size_t q = 0; q < own_.queries; ++q) {
      double alike = no_limit;  // of the options whose ways are not told apart
      bool is_told_apart = false;
      for (std::size_t n = own_.first_option[q]; n != nowhere; n = own_.next_option[n])
        if (made_.row[n] != nowhere)
          is_told_apart = true;
        else if (arriving[n] < alike)
          alike = arriving[n];
      made_.query_row[q] = is_told_apart ? end : nowhere;
      if (!is_told_apart) continue;
      const std::size_t to = end;
      grow(least, end += count);
      for (std::size_t w = 0; w < count; ++w) least[to + w] = alike;
      for (std::size_t n = own_.first_option[q]; n != nowhere; n = own_.next_option[n]) {
        const std::size_t from = made_.row[n];
        if (from == nowhere) continue;
        const double* const next = &made_.onward[from];
        const double* const losing = &made_.fewer[from];
        double* const arriving_by = &least[to];
        const double typical = own_.typical[n], fewest = own_.least[n];
        for (std::size_t w = 0; w < count; ++w) {
          if (typical + next[w] < arriving_by[w]) arriving_by[w] = typical + next[w];
          if (fewest + losing[w] < arriving_by[w]) arriving_by[w] = fewest + losing[w];
        }
      }
    }
  }

 private:
  /// What remains at most, by every way.
  constexpr std::size_t new_row(const remainder& alike) {
    const std::size_t begin = end_, end = end_ += made_.count;
    if constexpr (Most == unbounded) grow(made_.onward, end), grow(made_.fewer, end);
    const double next = alike.onward, losing = alike.fewer;
    for (std::size_t n = begin; n < end; ++n) made_.onward[n] = next, made_.fewer[n] = losing;
    return begin;
  }

  /// Behind that option of the reader, all ways take the same.
  constexpr bool goes_on_alike(std::size_t option, const running& before) const {
    return !reader_.is_join &&
           ((reader_.own->busy[option] & ~before.ranks) != 0 || reader_.remains->ways.row[option] == nowhere);
  }

  /// With an option of the reader whose query has place `k`.
  constexpr void go_on_by_way(std::size_t to, std::size_t k, std::size_t option, const running& before) {
    auto& onward = made_.onward;
    auto& fewer = made_.fewer;
    if (reader_.is_join) {
      remainder rest = reader_.going_on(option, before);
      const std::size_t w = to + way_of(k);
      if (rest.onward < onward[w]) onward[w] = rest.onward;
      if (rest.fewer < fewer[w]) fewer[w] = rest.fewer;
      return;
    }
    const std::size_t from = reader_.remains->ways.row[option], count = reader_.remains->ways.count;
    const double* const next = &reader_.remains->ways.onward[from];
    const double* const losing = &reader_.remains->ways.fewer[from];
    double* const onward_to = &onward[to];
    double* const fewer_to = &fewer[to];
    double* const next_to = reader_.is_like(option, before) ? onward_to : fewer_to;
    const double typical = reader_.is_free ? 0 : reader_.own->typical[option];
    const double least = reader_.is_free ? 0 : reader_.own->least[option];
    for (std::size_t w = 0; w < count; ++w) {
      if (typical + next[w] < next_to[w]) next_to[w] = typical + next[w];
      if (least + losing[w] < fewer_to[w]) fewer_to[w] = least + losing[w];
    }
  }
  constexpr std::size_t way_of(std::size_t k) const { return k < made_.known ? k : made_.known; }

  const stage<Ranks, Most>& own_;
  reader reader_;
  ways_to_join<Ranks, Most>& made_;
  bool is_told_apart_;
  double slack_ = 0;
  std::size_t end_ = 0;                     ///< of the rows
  column<std::size_t, Most> told_apart_{};  ///< of one value: stays by ways that are told apart
};

}  // namespace iop::planner
