// SPDX-License-Identifier: MIT
#pragma once

// What remains behind a fork, an operator that makes the other input of the next join, too: the least of all
// ways there, with what having its value where the way needs it takes.

#include <iop/planner/least_move.hpp>
#include <iop/planner/remainder.hpp>

#include <cstddef>

namespace iop::planner {

template <std::size_t Most, std::size_t Operators, std::size_t Ranks>
class fork {
 public:
  using reader = reader_ahead<Most, Operators, Ranks>;

  constexpr fork(const least_move<Operators, Ranks>& moves, const reader& ahead)
      : moves_(moves), reader_(ahead) {}

  /// The value that is looked at from here on.
  constexpr void look_at(const known_layout<Ranks>& source) {
    source_ = source;
    for (std::size_t w = 0; w < reader_.remains->ways.known; ++w) fetching_[w] = missing_[w] = unknown;
  }

  /// Behind a move of the value to where a query of the reader needs it: it stays where it was, too.
  constexpr double arriving(std::size_t query, const known_layout<Ranks>& needed) {
    const ways_to_join<Ranks, Most>& ways = reader_.remains->ways;
    const std::size_t row = ways.query_row[query];
    if (row == nowhere) return reader_.remains->query_arriving[query];
    double least = no_limit;
    for (std::size_t w = 0; w < ways.count; ++w) {
      double seconds = ways.arriving[row + w];
      if (seconds >= least) continue;
      // On some routes to ranks that need everything, others get something on the way.
      if (!needed.all_rows || !needed.all_channels) {
        const double there = ways.fetching(moves_, needed, w);
        if (missing_[w] == unknown) missing_[w] = moves_.missing_seconds(source_, ways.needed[w]);
        seconds += there < missing_[w] ? there : missing_[w];
      }
      if (seconds < least) least = seconds;
    }
    return least;
  }

  /// When the reader goes on with one of its options where those hold what that needs.
  constexpr remainder going_on(std::size_t option, const running& before) {
    const std::size_t row = reader_.remains->ways.row[option], count = reader_.remains->ways.count;
    if ((reader_.own->busy[option] & ~before.ranks) != 0 || row == nowhere)
      return reader_.going_on(option, before);
    const double* const onward = &reader_.remains->ways.onward[row];
    const double* const fewer = &reader_.remains->ways.fewer[row];
    double next = no_limit, losing = no_limit;
    for (std::size_t w = 0; w < count; ++w) {
      if (onward[w] >= next && fewer[w] >= losing) continue;
      if (fetching_[w] == unknown)
        fetching_[w] = moves_.received_seconds(source_, reader_.remains->ways.needed[w]);
      const double fetching = fetching_[w];
      if (onward[w] + fetching < next) next = onward[w] + fetching;
      if (fewer[w] + fetching < losing) losing = fewer[w] + fetching;
    }
    next += reader_.is_free ? 0 : reader_.own->typical[option];
    losing += reader_.is_free ? 0 : reader_.own->least[option];
    if (reader_.is_like(option, before)) return {next, losing};
    return {no_limit, next < losing ? next : losing};
  }

 private:
  const least_move<Operators, Ranks>& moves_;
  reader reader_;
  static constexpr double unknown = -1;
  known_layout<Ranks> source_{};
  double fetching_[most_ways]{};  ///< of the value, by way; 0 of the last when that stands for several
  double missing_[most_ways]{};   ///< of it, by way: the least of what a rank misses
};

}  // namespace iop::planner
