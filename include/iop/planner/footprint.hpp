// SPDX-License-Identifier: MIT
#pragma once

// What a plan needs of each device's memory: its weights as packed, and its arena.

#include <iop/planner/arena.hpp>
#include <iop/spec/winograd.hpp>

#include <cstddef>

namespace iop::planner {

/// Floats of a rank's weights and biases as packed: exact counts, each tensor on its own cache lines. The
/// bias of an operator cut by input channel is held by the first rank that has a share.
struct weight_place {
  std::size_t weights = 0;  ///< offset
  std::size_t bias = 0;     ///< offset
  bool has_bias = false;
  std::size_t end = 0;  ///< offset behind them
};

template <std::size_t Ranks>
constexpr weight_place place_weights(const op& o, const decision<Ranks>& d, std::size_t rank,
                                     std::size_t start) {
  const box out = output_box(o, d, rank);
  weight_place at{start, start, false, start};
  if (!is_weighted(o) || out.empty()) return at;
  const std::size_t ins = o.groups == 1 ? input_box(o, d, rank).channels.size() : channels_read(o);
  const std::size_t outs = out.channels.size();
  at.bias = at.end =
      start + aligned(has(d.winograd, rank) ? winograd_weight_count(outs, ins) : weight_count(o, outs, ins));
  bool first = true;
  for (std::size_t r = 0; r < rank; ++r) first = first && d.shares[r].empty();
  at.has_bias = o.bias && (d.how != partition::input_channel || first);
  if (at.has_bias) at.end += aligned(out.channels.size());
  return at;
}

/// What a device must hold for a plan.
struct footprint {
  std::size_t weight_bytes = 0;
  std::size_t arena_bytes = 0;   ///< activations, staging and workspace
  std::size_t buffer_bytes = 0;  ///< of the arena, staging of the largest exchange

  constexpr std::size_t bytes() const { return weight_bytes + arena_bytes; }
};

template <std::size_t Operators, std::size_t Ranks>
constexpr footprint footprint_of(op_list ops, const plan<Operators, Ranks>& p,
                                 const arena<Operators, Ranks>& layout, std::size_t rank) {
  std::size_t end = 0;
  for (std::size_t i = 0; i < ops.size(); ++i) end = place_weights(ops[i], p.decisions[i], rank, end).end;
  // A vector load of the last weights may read past them.
  if (end > 0) end += alignment_floats;
  return {end * sizeof(float), layout.floats * sizeof(float), layout.staging_floats * sizeof(float)};
}

template <std::size_t Operators, std::size_t Ranks>
constexpr footprint footprint_of(op_list ops, const plan<Operators, Ranks>& p,
                                 const schedule<Operators, Ranks>& all, std::size_t rank) {
  return footprint_of(ops, p, lay_out(ops, p, all, rank), rank);
}

template <std::size_t Operators, std::size_t Ranks>
constexpr footprint footprint_of(op_list ops, const plan<Operators, Ranks>& p, std::size_t rank) {
  return footprint_of(ops, p, spell_out(ops, p), rank);
}

}  // namespace iop::planner
