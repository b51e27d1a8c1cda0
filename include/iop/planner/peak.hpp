// SPDX-License-Identifier: MIT
#pragma once

// The memory that one operator takes at least on one rank, behind a label: no more than the arena will have,
// so nothing that fits is given up.

#include <iop/planner/fetching.hpp>

#include <algorithm>
#include <cstddef>

namespace iop::planner {

/// What lies in a rank's memory while the operator and the exchanges before it run, at least: inputs,
/// result, and of each tensor that is read later the smallest of its values.
template <std::size_t Most, std::size_t Operators, std::size_t Ranks>
constexpr std::size_t peak_of(const problem<Operators, Ranks>& p, const op& o, const stage<Ranks, Most>& own,
                              const frontier<Ranks, Most>& before, moves_to<Most, Operators, Ranks>& moves,
                              std::size_t from, std::size_t chosen, const fetching& f, std::size_t rank) {
  const std::size_t* live = &before.live[from * most_live];
  const std::size_t live_count = before.live_count[from];
  const auto tensor_of = [&](std::size_t v) { return before.values.entries[v].held.tensor; };
  const auto floats = [&](std::size_t v) { return floats_of(p, before.values.entries[v].held, rank); };
  const auto is_read_before = [&](std::size_t tensor, std::size_t input) {
    return std::find(o.inputs.begin(), o.inputs.begin() + input, tensor) != o.inputs.begin() + input;
  };
  std::size_t alive = 0, peak = 0;
  for (std::size_t n = 0; n < live_count; ++n) {
    const std::size_t tensor = tensor_of(live[n]);
    bool is_first = !is_read_before(tensor, o.inputs.size());
    std::size_t least = floats(live[n]);
    for (std::size_t m = 0; m < live_count && is_first; ++m) {
      if (tensor_of(live[m]) != tensor) continue;
      is_first = m >= n;
      least = std::min(least, floats(live[m]));
    }
    if (is_first) alive += least;
  }
  for (std::size_t k = 0; k < o.inputs.size(); ++k)
    if (!is_read_before(o.inputs[k], k)) alive += floats(f.sources[k]);
  const holding<Ranks>& made = own.values[own.made[chosen]].held;
  bool replaces = false;
  for (std::size_t k = 0; k < o.inputs.size(); ++k) {
    box read = before.values.entries[f.sources[k]].held.of[rank];
    if (!f.is_there[k]) {
      const std::size_t need = own.query_needs[own.asked[chosen] * 4 + k];
      const move_room<Ranks>& moved = moves.room(f.sources[k], k, need, f.how);
      read = moved.boxes[rank];
      if (!is_read_before(o.inputs[k], k)) {
        alive -= floats(f.sources[k]);
        peak = std::max(peak, alive + moved.most[rank]);
        alive += moved.result[rank];
      }
    }
    replaces = replaces || read == made.of[rank];
  }
  replaces = replaces && may_replace_input(o);
  return std::max(peak,
                  alive + (replaces ? 0 : floats_of(p, made, rank)) + own.workspace[chosen * Ranks + rank]);
}

}  // namespace iop::planner
