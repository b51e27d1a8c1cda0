// SPDX-License-Identifier: MIT
#pragma once

// How little memory a way to run some operators can need. The arena is laid out for a whole plan; a search
// that knows its beginning only counts what must lie side by side at each step: never more than the arena
// has, so nothing that fits is given up. Sizes are in floats.

#include <iop/planner/move.hpp>

#include <algorithm>
#include <cstddef>

namespace iop::planner {

template <std::size_t Operators, std::size_t Ranks>
constexpr std::size_t floats_of(const problem<Operators, Ranks>& p, const value<Ranks>& v, std::size_t rank) {
  return aligned(element_count(v.boxes[rank], p.ops[v.tensor].out.width));
}

template <std::size_t Operators, std::size_t Ranks>
constexpr std::size_t floats_of(const problem<Operators, Ranks>& p, const holding<Ranks>& h,
                                std::size_t rank) {
  return aligned(element_count(h.of[rank], p.ops[h.tensor].out.width));
}

template <std::size_t Operators, std::size_t Ranks>
constexpr bool has_room(const problem<Operators, Ranks>& p, std::size_t rank, std::size_t weights,
                        std::size_t activations) {
  const std::size_t floats = weights + (weights > 0 ? alignment_floats : 0) + activations;
  return floats * sizeof(float) <= p.devices->devices[rank].memory.bytes;
}

/// Of a move, on each rank.
template <std::size_t Ranks>
struct move_room {
  std::size_t most[Ranks];    ///< source, result and staging of the fullest round
  std::size_t result[Ranks];  ///< what stays
  layout<Ranks> boxes;        ///< what stays
};

template <std::size_t Operators, std::size_t Ranks>
constexpr move_room<Ranks> room_of(const problem<Operators, Ranks>& p, const value<Ranks>& from,
                                   const round_list<Ranks>& rounds) {
  const std::size_t width = p.ops[from.tensor].out.width;
  move_room<Ranks> room{};
  const value<Ranks>* now = &from;
  for (const value<Ranks>& next : rounds) {
    room.boxes = layout_of(next.boxes);
    for (std::size_t r = 0; r < Ranks; ++r) {
      const box &held = now->boxes[r], &wanted = next.boxes[r];
      const std::size_t before = floats_of(p, *now, r), behind = floats_of(p, next, r);
      // As the arena lets values share places.
      const bool is_shared = now->is_partial ? is_contiguous(wanted, held, width)
                                             : wanted.contains(held) && is_contiguous(held, wanted, width);
      const std::size_t values = is_shared ? std::max(before, behind) : before + behind;
      room.most[r] = std::max(room.most[r], values + part_of(*now, next, width, r).staging);
      room.result[r] = behind;
    }
    now = &next;
  }
  return room;
}

}  // namespace iop::planner
