// SPDX-License-Identifier: MIT
#pragma once

// Shifting the cuts of a plan that is a constant, in pieces that no compiler finds too long. Each plan that
// is tried costs it some milliseconds, so that it tries fewer than there is time for when a program runs.

#include <iop/planner/cut_shifting.hpp>
#include <iop/planner/offered.hpp>

#include <algorithm>
#include <cstddef>

namespace iop::planner {

template <const auto& Spec, const auto& Cluster, const auto& Start>
struct shifted {
 private:
  using work = cut_shifting<Spec.size(), ranks_of(Cluster)>;
  static constexpr std::size_t pieces = 16;
  static constexpr std::size_t tries =
      std::max<std::size_t>(1, 1000 / shifting_effort(Spec.list(), ranks_of(Cluster)));

  template <std::size_t Piece>
  static constexpr work shift() {
    if constexpr (Piece == 0) {
      return work(Spec.list(), Cluster, Start);
    } else {
      work next = until<Piece - 1>;
      next.run(tries);
      return next;
    }
  }
  template <std::size_t Piece>
  static constexpr work until = shift<Piece>();
  template <std::size_t Piece>
  static constexpr auto last() {
    if constexpr (Piece == pieces || until<Piece>.is_done())
      return until<Piece>.made();
    else
      return last<Piece + 1>();
  }

 public:
  static constexpr auto made = last<0>();
};

}  // namespace iop::planner
