// SPDX-License-Identifier: MIT
#pragma once

// Cuts a dimension among unlike devices so that all finish together: shares proportional to speed, refined by
// the roofline of each device, then rounded to whole units by moving single units off the slowest device
// while that helps.

#include <iop/core/range.hpp>
#include <iop/core/rank_set.hpp>

#include <algorithm>
#include <array>
#include <cstddef>

namespace iop::planner {

/// Nearly equal ranges for the members; the first ones get what is left over.
template <std::size_t Ranks>
constexpr std::array<range, Ranks> even_ranges(std::size_t total, std::size_t unit, rank_set members,
                                               std::size_t sharing) {
  const std::size_t units = (total + unit - 1) / unit;
  const std::size_t least = units / sharing, larger = units % sharing;
  std::array<range, Ranks> shares{};
  std::size_t begin = 0, index = 0;
  for (std::size_t r = 0; r < Ranks && begin < total; ++r) {
    if (!has(members, r)) continue;
    const std::size_t count = index++ < larger ? least + 1 : least;
    if (count == 0) break;
    const std::size_t end = begin + count * unit;
    shares[r] = {begin, end < total ? end : total};
    begin = shares[r].end;
  }
  return shares;
}

/// `seconds(rank, units)` is the time rank needs for that many units, not decreasing in units. Returns
/// consecutive ranges that cover [0, units · unit) once, in rank order; a rank may get none, and one that is
/// no member gets none. The last share takes what `unit` leaves of `total`. Of alike ranks nobody is asked.
template <std::size_t Ranks, class Seconds>
constexpr std::array<range, Ranks> balance(std::size_t total, std::size_t unit, Seconds&& seconds,
                                           rank_set members = everyone, bool are_alike = false) {
  if (are_alike) return even_ranges<Ranks>(total, unit, members, count_of(members & first_ranks(Ranks)));
  const std::size_t units = (total + unit - 1) / unit;
  const double all = static_cast<double>(units);
  double ideal[Ranks]{};
  double sum = 0, slowest = 0, fastest = 0;
  std::size_t sharing = 0;
  for (std::size_t r = 0; r < Ranks; ++r) {
    if (!has(members, r)) continue;
    const double time = seconds(r, all);
    sum += ideal[r] = 1 / time;
    slowest = sharing == 0 ? time : std::max(slowest, time);
    fastest = sharing == 0 ? time : std::min(fastest, time);
    ++sharing;
  }
  if (slowest == fastest) return even_ranges<Ranks>(total, unit, members, sharing);
  for (double& share : ideal) share *= all / sum;
  for (int round = 0; round < 3; ++round) {
    sum = 0;
    for (std::size_t r = 0; r < Ranks; ++r) {
      if (ideal[r] <= 0) continue;
      const double time = seconds(r, ideal[r]);
      sum += ideal[r] = time > 0 ? ideal[r] / time : 0;
    }
    // Units per second at the present share; the next shares are proportional to that.
    if (sum <= 0) break;
    for (double& share : ideal) share *= all / sum;
  }

  std::size_t counts[Ranks]{};
  double now[Ranks]{}, next[Ranks]{};  // seconds with the count, and with one more
  const auto give = [&](std::size_t r, std::size_t count) {
    counts[r] = count;
    now[r] = count == 0 ? 0.0 : seconds(r, static_cast<double>(count));
    next[r] = seconds(r, static_cast<double>(count + 1));
  };
  std::size_t given = 0;
  for (std::size_t r = 0; r < Ranks; ++r) {
    if (!has(members, r)) continue;
    give(r, static_cast<std::size_t>(ideal[r]));
    given += counts[r];
  }
  const auto quickest = [&](std::size_t except) {
    std::size_t best = Ranks;
    for (std::size_t r = 0; r < Ranks; ++r)
      if (has(members, r) && r != except && (best == Ranks || next[r] < next[best])) best = r;
    return best;
  };
  for (; given < units; ++given) {
    const std::size_t r = quickest(Ranks);
    give(r, counts[r] + 1);
  }
  for (std::size_t moves = 0; moves < 2 * Ranks; ++moves) {
    std::size_t last = 0;
    for (std::size_t r = 1; r < Ranks; ++r)
      if (now[r] > now[last]) last = r;
    const std::size_t other = quickest(last);
    if (other == Ranks || counts[last] == 0 || next[other] >= now[last]) break;
    give(last, counts[last] - 1);
    give(other, counts[other] + 1);
  }

  std::array<range, Ranks> shares{};
  std::size_t begin = 0;
  for (std::size_t r = 0; r < Ranks; ++r) {
    const std::size_t end = begin + counts[r] * unit;
    shares[r] = {begin, end < total ? end : total};
    begin = shares[r].end;
    if (shares[r].empty()) shares[r] = {};
  }
  return shares;
}

}  // namespace iop::planner
