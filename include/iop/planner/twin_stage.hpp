// SPDX-License-Identifier: MIT
#pragma once

// The stage of an operator's twin, an operator like it before, as repeated blocks have them: what choices
// that cut alike take, make and need there is the same here.

#include <iop/planner/stage.hpp>

#include <cstddef>

namespace iop::planner {

template <std::size_t Ranks, std::size_t Most>
struct twin_stage {
  const planner::stage<Ranks, Most>* stage;
  std::size_t count = 0;  ///< of its choices
  std::size_t next = 0;   ///< mostly the choices of both follow each other alike

  template <std::size_t Operators>
  constexpr twin_stage(const problem<Operators, Ranks>& p, std::size_t index,
                       const planner::stage<Ranks, Most>* twin)
      : stage(twin) {
    if (p.twin[index] != 0) count = twin->options.count;
  }

  /// The choice there that cuts like one here; or nowhere.
  constexpr std::size_t alike(const choice_table<Ranks, Most>& here, std::size_t n) {
    const rank_set members = here.members[n];
    if (n == here.strips[longest_fusion] && count > 0) next = stage->options.strips[longest_fusion];
    for (std::size_t tried = 0, m = next; tried < most_skipped && m < count; ++tried, ++m) {
      if (stage->options.members[m] != members || !here.cuts_alike(n, stage->options, m)) continue;
      next = m + 1;
      return m;
    }
    return nowhere;
  }

 private:
  /// Choices that only the twin has, at most, before one that both have.
  static constexpr std::size_t most_skipped = 24;
};

}  // namespace iop::planner
