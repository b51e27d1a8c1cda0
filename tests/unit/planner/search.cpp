// SPDX-License-Identifier: MIT
// The search against every plan there is, on small problems at random.
#include <iop/planner/policies.hpp>

#include <algorithm>
#include <cmath>
#include <functional>
#include <iterator>

#include "catch.hpp"
#include "exhaustive.hpp"
#include "support/random_problem.hpp"

using namespace iop;
using namespace iop::planner;
using namespace planner_test;

namespace {

constexpr std::size_t most_operators = 7;

#if defined(__OPTIMIZE__) && !defined(__SANITIZE_ADDRESS__)
constexpr std::uint64_t problems = 750;  // on two ranks and on three, with enough memory and with little
#else
constexpr std::uint64_t problems = 50;
#endif
/// Prefixes of plans looked at for one problem, and labels for each value made; larger problems do not count.
constexpr std::size_t most_steps = 1500, width = 150;

struct tally {
  std::size_t judged = 0, too_large = 0, impossible = 0, made_possible = 0, bettered = 0, steps = 0;
};

template <std::size_t Ranks>
using problem_of = problem<most_operators, Ranks>;

/// The quickest plan for any memory is the one when it fits; else it says what all others take at least.
template <std::size_t Ranks>
void compare_with_any_memory(const iop_test::random_problem<Ranks>& random, const problem_of<Ranks>& p,
                             const found<most_operators, Ranks>& best) {
  allowances allowed = random.allowed;
  allowed.any_memory = true;
  const auto free = search(pose<most_operators>(random.ops, random.devices, random.ends, allowed),
                           policy::optimal, no_limit, width);
  if (!free.exists || !free.is_exact || !best.is_exact) return;
  if (fits(random.ops, random.devices, free.best)) {
    CHECK(best.seconds == Approx(free.seconds));
    return;
  }
  const auto behind = search(p, policy::optimal, no_limit, width, free.seconds);
  CHECK(behind.exists == best.exists);
  if (!best.exists) return;
  CHECK(best.seconds >= free.seconds * (1 - 1e-9));
  if (behind.is_exact) CHECK(behind.seconds == Approx(best.seconds));
}

template <std::size_t Ranks>
void judge(const iop_test::random_problem<Ranks>& random, const problem_of<Ranks>& p, tally& all) {
  const auto found = search(p, policy::optimal, no_limit, width);
  compare_with_any_memory(random, p, found);
  const enumeration<most_operators, Ranks> every(p, found.exists ? found.seconds : no_limit, most_steps);
  all.steps += every.steps();
  if (found.exists) {
    CHECK(predict(random.ops, random.devices, found.best).makespan_seconds == Approx(found.seconds));
    CHECK(fits(random.ops, random.devices, found.best));
  }
  if (!every.is_complete() || !found.is_exact) {
    ++all.too_large;
    return;
  }
  ++all.judged;
  all.impossible += !every.exists();
  CHECK(found.exists == every.exists());
  if (found.exists) CHECK(std::abs(found.seconds / every.seconds() - 1) < 1e-9);
  if (!p.memory_binds) return;
  // With cuts that are moved besides, it may be less, and there may be one after all.
  const auto made =
      planner::make_plan<most_operators>(random.ops, random.devices, policy::optimal, random.ends);
  if (!found.exists) {
    all.made_possible += fits(random.ops, random.devices, made);
    return;
  }
  CHECK(fits(random.ops, random.devices, made));
  const double seconds = predict(random.ops, random.devices, made).makespan_seconds;
  CHECK(seconds <= every.seconds() * (1 + 1e-9));
  all.bettered += seconds < every.seconds() * (1 - 1e-9);
}

/// Leaves each device from 0.6 to 1.6 times what the fullest needs without limits.
template <std::size_t Ranks>
void limit_memory(iop_test::random_problem<Ranks>& random, std::uint64_t seed) {
  iop_test::draw draw(seed);
  const auto p = pose<most_operators>(random.ops, random.devices, random.ends, random.allowed);
  const auto free = search(p, policy::optimal, no_limit, width);
  std::size_t most = 0;
  for (std::size_t r = 0; r < Ranks; ++r)
    most = std::max(most, footprint_of(random.ops, free.best, r).bytes());
  for (device& d : random.devices.devices)
    d.memory.bytes = static_cast<std::size_t>(static_cast<double>(most) * draw.real(0.6, 1.6));
}

template <std::size_t Ranks>
void judge(std::uint64_t seed, bool is_limited, tally& all) {
  iop_test::random_problem<Ranks> random(seed);
  if (is_limited) limit_memory(random, seed);
  INFO("problem " << seed << " on " << Ranks << " ranks");
  judge(random, pose<most_operators>(random.ops, random.devices, random.ends, random.allowed), all);
}

tally judge_all(bool is_limited) {
  tally all;
  for (std::uint64_t seed = 0; seed < problems; ++seed) {
    judge<2>(seed, is_limited, all);
    judge<3>(seed, is_limited, all);
  }
  WARN(all.judged << " problems judged, " << all.too_large << " too large, " << all.impossible
                  << " without a plan that fits, " << all.made_possible << " of them made possible, and "
                  << all.bettered << " bettered, by shifting cuts; " << all.steps << " steps");
  return all;
}

}  // namespace

TEST_CASE("no plan is better than the one found", "[planner]") { CHECK(judge_all(false).judged > problems); }

TEST_CASE("no plan that fits is better than the one found", "[planner][tight]") {
  CHECK(judge_all(true).judged > problems);
}

namespace {

/// Compares with bounds that leave out what runs beside the spine.
template <std::size_t Ranks>
void compare_sides(std::uint64_t seed, bool is_limited, std::size_t& compared) {
  iop_test::random_problem<Ranks> random(seed);
  auto p = pose<most_operators>(random.ops, random.devices, random.ends, random.allowed);
  if (std::none_of(std::begin(p.main_path.has_side), std::end(p.main_path.has_side), std::identity())) return;
  if (is_limited) {
    limit_memory(random, seed);
    p = pose<most_operators>(random.ops, random.devices, random.ends, random.allowed);
  }
  INFO("problem " << seed << " on " << Ranks << " ranks");
  const auto found = search(p, policy::optimal, no_limit, width);
  for (bool& has : p.main_path.has_side) has = false;
  const auto same = search(p, policy::optimal, no_limit, width);
  if (!found.is_exact || !same.is_exact) return;
  ++compared;
  CHECK(found.exists == same.exists);
  if (found.exists) CHECK(std::abs(found.seconds / same.seconds - 1) < 1e-9);
}

}  // namespace

TEST_CASE("bounds of operators beside the spine hide no plan", "[planner]") {
  std::size_t compared = 0;
  for (std::uint64_t seed = 0; seed < 10'000; ++seed) {
    compare_sides<2>(seed, false, compared);
    compare_sides<3>(seed, seed % 2 == 1, compared);
  }
  CHECK(compared > 300);
}

TEST_CASE("messages that take no time are known to take none", "[planner]") {
  tally all;
  for (const std::uint64_t seed : {836u, 3100u, 3264u}) judge<3>(seed, false, all);
  CHECK(all.judged == 3);
}
