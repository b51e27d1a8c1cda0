// SPDX-License-Identifier: MIT
#pragma once

// All operators of a problem as the search sees them, with the bounds behind each on the spine: worked out
// once for all passes.

#include <iop/planner/bound.hpp>
#include <iop/planner/stage_builder.hpp>

#include <cstddef>
#include <vector>

namespace iop::planner {

template <std::size_t Operators, std::size_t Ranks>
class staging {
 public:
  constexpr staging(const problem<Operators, Ranks>& p, const choice_lists<Ranks>& choices)
      : bounds_(p.ops.size()) {
    stages_.reserve(p.ops.size());
    for (std::size_t i = 0; i < p.ops.size(); ++i)
      stages_.push_back(stage_builder<unbounded, Operators, Ranks>(
                            p, i, choices[i], p.twin[i] == 0 ? nullptr : &stages_[p.twin[i]])
                            .run());
    for (std::size_t i = p.ops.size(); i-- > 0;) {
      if (!p.main_path.has[i]) continue;
      const std::size_t next = p.main_path.next[i], like = p.moves_like[i];
      twin_tables<Ranks, unbounded> twin;
      if (like != 0) twin = {&stages_[like], &stages_[p.main_path.next[like]], &bounds_[like]};
      bounds_[i] =
          bound_builder<unbounded, Operators, Ranks>(
              p, i, stages_[i], next, next == 0 ? nullptr : &stages_[next],
              next == 0 ? nullptr : &bounds_[next], p.main_path.has_side[i] ? &stages_[i + 1] : nullptr, twin)
              .run();
    }
  }

  constexpr const stage<Ranks, unbounded>& operator[](std::size_t i) const { return stages_[i]; }
  constexpr const remainders<Ranks, unbounded>& behind(std::size_t i) const { return bounds_[i]; }
  /// No plan takes less.
  constexpr double least_seconds() const { return bounds_[0].arriving[0]; }

 private:
  std::vector<stage<Ranks, unbounded>> stages_;
  std::vector<remainders<Ranks, unbounded>> bounds_;
};

}  // namespace iop::planner
