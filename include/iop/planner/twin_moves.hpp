// SPDX-License-Identifier: MIT
#pragma once

// What moves from an operator on the spine to the next one take, as far as its twin behind has found out: in
// repeated blocks most are the same.

#include <iop/planner/remainder.hpp>

#include <cstddef>

namespace iop::planner {

/// What there is of the operator behind that `moves_like` of the problem names; or nothing.
template <std::size_t Ranks, std::size_t Most>
struct twin_tables {
  const stage<Ranks, Most>* own = nullptr;
  const stage<Ranks, Most>* reader = nullptr;  ///< of the next one on the spine
  const remainders<Ranks, Most>* behind = nullptr;
};

template <std::size_t Ranks, std::size_t Most>
class twin_moves {
 public:
  constexpr explicit twin_moves(const twin_tables<Ranks, Most>& twin) : twin_(twin) {}

  /// From that value on.
  constexpr void look_from(std::size_t value) {
    const std::size_t there = twin_.own->value_of_twin[value];
    row_ = there == nowhere ? nowhere : there * twin_.reader->queries;
  }

  /// To that query of the reader, as `remainders` has it.
  constexpr double to(std::size_t query) const {
    if (row_ == nowhere) return 0;
    const std::size_t there = twin_.reader->query_of_twin[query];
    return there == nowhere ? 0 : twin_.behind->moves[row_ + there];
  }

 private:
  twin_tables<Ranks, Most> twin_;
  std::size_t row_ = nowhere;
};

}  // namespace iop::planner
