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

/// The devices together can hold the weights of the operators behind `index` besides: wherever these go, they
/// are somewhere.
template <std::size_t Operators, std::size_t Ranks>
constexpr bool has_room_behind(const problem<Operators, Ranks>& p, std::size_t index,
                               const std::size_t (&weights)[Ranks], const std::size_t (&activations)[Ranks]) {
  std::size_t left = 0;
  for (std::size_t r = 0; r < Ranks; ++r)
    left += p.devices->devices[r].memory.bytes / sizeof(float) - weights[r] - activations[r];
  return left >= p.least_weights_behind[index];
}

/// The share of its memory by which some device will be too small, if the weights behind `index` are cut as
/// most are, by the speeds of the devices, whose sum is `all_speed`.
template <std::size_t Operators, std::size_t Ranks>
constexpr double excess_behind(const problem<Operators, Ranks>& p, std::size_t index, double all_speed,
                               const std::size_t (&weights)[Ranks], const std::size_t (&activations)[Ranks]) {
  double most = 0;
  const double behind = static_cast<double>(p.least_weights_behind[index]);
  for (std::size_t r = 0; r < Ranks; ++r) {
    const double needed = static_cast<double>(weights[r] + activations[r]) + behind * p.speed[r] / all_speed;
    const double has = static_cast<double>(p.devices->devices[r].memory.bytes) / sizeof(float);
    if (needed / has - 1 > most) most = needed / has - 1;
  }
  return most;
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
