// SPDX-License-Identifier: MIT
#include <iop/planner/balance.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>

#include "catch.hpp"
#include "support/random_weights.hpp"

using iop::range;
using iop::planner::balance;

namespace {

using speeds = std::array<double, 4>;

template <class Seconds>
double longest(const std::array<range, 4>& shares, std::size_t unit, Seconds&& seconds) {
  double most = 0;
  for (std::size_t r = 0; r < 4; ++r) {
    const std::size_t units = (shares[r].size() + unit - 1) / unit;
    if (units > 0) most = std::max(most, seconds(r, static_cast<double>(units)));
  }
  return most;
}

/// The least that the slowest of four can take for `units`.
template <class Seconds>
double least(std::size_t units, Seconds&& seconds) {
  const auto time = [&](std::size_t r, std::size_t n) {
    return n == 0 ? 0.0 : seconds(r, static_cast<double>(n));
  };
  double best = 1e300;
  for (std::size_t a = 0; a <= units; ++a)
    for (std::size_t b = 0; a + b <= units; ++b)
      for (std::size_t c = 0; a + b + c <= units; ++c)
        best = std::min(best, std::max({time(0, a), time(1, b), time(2, c), time(3, units - a - b - c)}));
  return best;
}

speeds draw_speeds(std::uint64_t& state) {
  speeds all;
  for (double& each : all) each = std::pow(10.0, 1.5 * static_cast<double>(iop_test::uniform(state)));
  return all;
}

}  // namespace

TEST_CASE("shares cover everything once, in rank order, in whole units", "[planner]") {
  std::uint64_t state = 1;
  for (int trial = 0; trial < 300; ++trial) {
    const speeds speed = draw_speeds(state);
    for (const std::size_t unit : {1u, 3u, 8u}) {
      const std::size_t total =
          static_cast<std::size_t>(50 + 49 * static_cast<double>(iop_test::uniform(state)));
      const auto shares =
          balance<4>(total, unit, [&](std::size_t r, double units) { return units / speed[r]; });
      std::size_t at = 0;
      for (const range& share : shares) {
        if (share.empty()) {
          CHECK(share == range{});
          continue;
        }
        CHECK(share.begin == at);
        CHECK((share.size() % unit == 0 || share.end == total));
        at = share.end;
      }
      CHECK(at == total);
    }
  }
}

TEST_CASE("equal devices get shares that differ by at most one", "[planner]") {
  for (std::size_t total = 1; total < 40; ++total) {
    const auto shares = balance<3>(total, 1, [](std::size_t, double units) { return units; });
    const auto [least, most] = std::minmax({shares[0].size(), shares[1].size(), shares[2].size()});
    CHECK(most - least <= 1);
  }
}

TEST_CASE("shares are proportional to speed, to the unit", "[planner]") {
  const speeds speed{1, 2, 3, 4};
  const auto shares = balance<4>(1000, 1, [&](std::size_t r, double units) { return units / speed[r]; });
  for (std::size_t r = 0; r < 4; ++r)
    CHECK(std::abs(static_cast<double>(shares[r].size()) - 100 * speed[r]) <= 1);
}

TEST_CASE("a very slow device gets nothing", "[planner]") {
  const auto shares =
      balance<3>(12, 1, [](std::size_t r, double units) { return r == 1 ? 1000 * units : units; });
  CHECK(shares[1].empty());
  CHECK(shares[0].size() == 6);
  CHECK(shares[2] == range{6, 12});
}

TEST_CASE("the slowest takes as little as it can", "[planner]") {
  std::uint64_t state = 2;
  for (int trial = 0; trial < 200; ++trial) {
    const speeds speed = draw_speeds(state);
    const std::size_t units = 1 + static_cast<std::size_t>(trial) % 23;
    const auto seconds = [&](std::size_t r, double count) { return count / speed[r]; };
    INFO("speeds " << speed[0] << ", " << speed[1] << ", " << speed[2] << ", " << speed[3] << ", units "
                   << units);
    CHECK(longest(balance<4>(units, 1, seconds), 1, seconds) <= 1.000001 * least(units, seconds));
  }
}

TEST_CASE("a time that any share costs is taken into account, and no cut is worse than an even one",
          "[planner]") {
  std::uint64_t state = 3;
  for (int trial = 0; trial < 200; ++trial) {
    const speeds speed = draw_speeds(state), memory = draw_speeds(state);
    const auto seconds = [&](std::size_t r, double count) {
      return std::max(count / speed[r], (4 + count) / memory[r]);
    };
    const std::size_t units = 4 * (1 + static_cast<std::size_t>(trial) % 6);
    const std::size_t quarter = units / 4;
    const std::array<range, 4> even{range{0, quarter}, range{quarter, 2 * quarter},
                                    range{2 * quarter, 3 * quarter}, range{3 * quarter, units}};
    const double got = longest(balance<4>(units, 1, seconds), 1, seconds);
    CHECK(got <= longest(even, 1, seconds));
    CHECK(got <= 1.25 * least(units, seconds));
  }
}
