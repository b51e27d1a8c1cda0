// SPDX-License-Identifier: MIT
#pragma once

// The operator beside the spine that runs right behind one on the spine and reads it, as the projection of a
// residual block does, and what it adds at least to a run that goes on from there: its time where the value
// is, or an exchange.

#include <iop/planner/remainder.hpp>

#include <cstddef>

namespace iop::planner {

template <std::size_t Most, std::size_t Operators, std::size_t Ranks>
class side_reader {
 public:
  /// Behind operator `index`.
  constexpr side_reader(const problem<Operators, Ranks>& p, std::size_t index, const stage<Ranks, Most>* own)
      : exists_(p.main_path.has_side[index]), are_alike_(p.are_alike), index_(index + 1), own_(own) {
    if (!exists_) return;
    while (p.ops[index_].inputs[input_] != index) ++input_;
    message_ = p.least_message;
    per_float_ = static_cast<double>(p.ops[index].out.width) * p.least_per_float;
  }

  constexpr bool exists() const { return exists_; }

  /// Behind a value that those hold.
  constexpr double behind(const known_layout<Ranks>& source, const running& here) const {
    double least = no_limit;
    for (std::size_t q = 0; q < own_->queries; ++q) {
      const known_layout<Ranks>& needed = own_->needs[input_].entries[own_->query_needs[q * 4 + input_]];
      double fetching = 0;
      if ((needed.held.of.ranks & ~source.held.of.ranks) != 0)  // to a rank that has nothing of it
        fetching = message_ + needed.least * per_float_;
      else if (needed.least > source.most)
        fetching = message_ + (needed.least - source.most) * per_float_;
      else if (!provides(source.held.of, needed.held.of))
        fetching = message_;
      for (std::size_t n = own_->first_option[q]; n != nowhere && fetching < least;
           n = own_->next_option[n]) {
        const double seconds = fetching + running_seconds(n, here);
        if (seconds < least) least = seconds;
      }
    }
    return least < no_limit ? least : 0;
  }

  /// In the segment of an option of the operator on the spine.
  constexpr double in_segment(const stage<Ranks, Most>& before, std::size_t option,
                              const running& here) const {
    return running_seconds(own_->options.going_on(before.options, option, index_), here);
  }

 private:
  /// Of the device that stands for those that run, or their mean.
  constexpr double running_seconds(std::size_t option, const running& here) const {
    const double* const seconds = own_->seconds[option].of;
    if (are_alike_) return seconds[here.typical_rank];
    double sum = 0;
    std::size_t count = 0;
    for (std::size_t r = 0; r < Ranks; ++r)
      if (has(here.ranks, r)) sum += seconds[r], ++count;
    return count == 0 ? 0 : sum / static_cast<double>(count);
  }

  bool exists_, are_alike_;
  std::size_t index_;
  const stage<Ranks, Most>* own_;
  std::size_t input_ = 0;  ///< which of its inputs the operator on the spine makes
  double message_ = 0, per_float_ = 0;
};

}  // namespace iop::planner
