// SPDX-License-Identifier: MIT
#pragma once

// Cuts a dimension among unlike devices so that all finish together: shares proportional to speed, refined by
// the roofline of each device, then rounded to whole units by moving single units off the slowest device
// while that helps.

#include <iop/core/range.hpp>

#include <array>
#include <cstddef>

namespace iop::planner {

/// `seconds(rank, units)` is the time rank needs for that many units, not decreasing in units. Returns
/// consecutive ranges that cover [0, units · unit) once, in rank order; a rank may get none. The last share
/// takes what `unit` leaves of `total`.
template <std::size_t Ranks, class Seconds>
constexpr std::array<range, Ranks> balance(std::size_t total, std::size_t unit, Seconds&& seconds) {
  const std::size_t units = (total + unit - 1) / unit;
  const double all = static_cast<double>(units);
  double ideal[Ranks]{};
  double sum = 0;
  for (std::size_t r = 0; r < Ranks; ++r) sum += ideal[r] = 1 / seconds(r, all);
  for (double& share : ideal) share *= all / sum;
  for (int round = 0; round < 3; ++round) {
    sum = 0;
    for (std::size_t r = 0; r < Ranks; ++r) {
      const double time = seconds(r, ideal[r]);
      sum += ideal[r] = ideal[r] > 0 && time > 0 ? ideal[r] / time : 0;
    }
    // Units per second at the present share; the next shares are proportional to that.
    if (sum <= 0) break;
    for (double& share : ideal) share *= all / sum;
  }

  std::size_t counts[Ranks]{};
  std::size_t given = 0;
  for (std::size_t r = 0; r < Ranks; ++r) given += counts[r] = static_cast<std::size_t>(ideal[r]);
  const auto time_with = [&](std::size_t r, std::size_t count) {
    return count == 0 ? 0.0 : seconds(r, static_cast<double>(count));
  };
  const auto quickest = [&](std::size_t except) {
    std::size_t best = except == 0 ? 1 : 0;
    for (std::size_t r = 0; r < Ranks; ++r)
      if (r != except && time_with(r, counts[r] + 1) < time_with(best, counts[best] + 1)) best = r;
    return best;
  };
  for (; given < units; ++given) ++counts[quickest(Ranks)];
  for (std::size_t moves = 0; Ranks > 1 && moves < 2 * Ranks; ++moves) {
    std::size_t slowest = 0;
    for (std::size_t r = 1; r < Ranks; ++r)
      if (time_with(r, counts[r]) > time_with(slowest, counts[slowest])) slowest = r;
    const std::size_t other = quickest(slowest);
    if (counts[slowest] == 0 || time_with(other, counts[other] + 1) >= time_with(slowest, counts[slowest]))
      break;
    --counts[slowest];
    ++counts[other];
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
