// SPDX-License-Identifier: MIT
#pragma once

// The most promising labels of a step, as many as a beam keeps: what is worse than so many others need not
// be looked at.

#include <cstddef>
#include <limits>

namespace iop::planner {

inline constexpr std::size_t most_beam = 64;

class beam {
 public:
  /// `width`: labels that are kept; 0: all.
  constexpr explicit beam(std::size_t width) : width_(width) {}

  constexpr bool keeps_all() const { return width_ == 0; }

  /// Of a label that is kept.
  constexpr void add(double bound) {
    std::size_t at = count_;
    if (count_ < width_)
      ++count_;
    else if (keeps_all() || bound >= bounds_[--at])
      return;
    for (; at > 0 && bounds_[at - 1] > bound; --at) bounds_[at] = bounds_[at - 1];
    bounds_[at] = bound;
  }

  /// Labels with such a bound, or a worse one, are out of it.
  constexpr double limit() const {
    return count_ == width_ && !keeps_all() ? bounds_[count_ - 1] : std::numeric_limits<double>::infinity();
  }

 private:
  std::size_t width_, count_ = 0;
  double bounds_[most_beam]{};  ///< the least first
};

}  // namespace iop::planner
