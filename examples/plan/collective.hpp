// SPDX-License-Identifier: MIT
#pragma once

// The name of an exchange, from what the ranks hold before it, what they hold behind it, and who sends.

#include <iop/planner/schedule.hpp>

#include <cstddef>
#include <string_view>

namespace what_if {

template <std::size_t Ranks>
std::string_view collective_of(const iop::planner::value<Ranks>& from, const iop::planner::value<Ranks>& to,
                               const iop::shape& extent, iop::route route) {
  const iop::box all = iop::whole(extent);
  bool sends[Ranks]{}, receives[Ranks]{};
  for (const iop::planner::message& m : iop::planner::messages_between(from, to))
    sends[m.from] = receives[m.to] = true;

  std::size_t receivers = 0, wholes = 0, summing = 0;
  bool from_whole = true;  // each sender has everything
  bool by_rows = true;     // strips of all channels become such strips
  bool grows = true;       // each receiver keeps what it had
  for (std::size_t r = 0; r < Ranks; ++r) {
    const iop::box &held = from.boxes[r], &wanted = to.boxes[r];
    if (!wanted.empty()) ++summing;
    if (receives[r]) ++receivers, wholes += wanted == all;
    if (sends[r]) from_whole = from_whole && held == all;
    if (sends[r]) by_rows = by_rows && held.channels == all.channels;
    if (receives[r]) by_rows = by_rows && wanted.channels == all.channels;
    if (receives[r]) grows = grows && !held.empty() && wanted.contains(held);
  }
  const bool to_whole = wholes == receivers;
  if (from.is_partial) return summing == 1 ? "reduce" : to_whole ? "all_reduce" : "reduce_scatter";
  if (from_whole) return to_whole ? "broadcast" : "scatter";
  if (to_whole) return receivers == 1 ? "gather" : "all_gather";
  if (route == iop::route::doubling || route == iop::route::scatter_doubling) return "all_gather";
  return by_rows || grows ? "halo_exchange" : "all_to_all";
}

}  // namespace what_if
