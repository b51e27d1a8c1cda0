// SPDX-License-Identifier: MIT
// What the search leaves out is never any good: no move, and no plan, takes less than is said at least.
#include <iop/planner/bound.hpp>
#include <iop/planner/search.hpp>
#include <iop/zoo/mobilenet.hpp>
#include <iop/zoo/resnet.hpp>

#include "catch.hpp"
#include "plans.hpp"
#include "support/random_problem.hpp"

using namespace iop;
using namespace iop::planner;
using namespace planner_test;

namespace {

constexpr std::size_t most_operators_of_problem = 7;
constexpr double nearly = 1 + 1e-9;

template <std::size_t Ranks>
struct staged_problem {
  explicit staged_problem(std::uint64_t number) : seed(number), random(number) {}

  std::uint64_t seed;
  iop_test::random_problem<Ranks> random;
  problem<most_operators_of_problem, Ranks> p =
      pose<most_operators_of_problem>(random.ops, random.devices, random.ends, random.allowed);
  staging<most_operators_of_problem, Ranks> stages{p, choices_of(p)};
};

template <class Visit>
void for_each_problem(Visit&& visit) {
  for (std::uint64_t seed = 0; seed < 100; ++seed) {
    visit(staged_problem<2>(seed));
    visit(staged_problem<3>(seed));
    if (seed % 4 == 0) visit(staged_problem<4>(seed));
    if (seed % 8 == 0) visit(staged_problem<5>(seed));
  }
}

template <std::size_t Ranks>
void compare_moves(const staged_problem<Ranks>& of, std::size_t& compared) {
  const auto& [seed, random, p, stages] = of;
  INFO("problem " << seed << " on " << Ranks << " ranks");
  for (std::size_t i = 1; i < p.ops.size(); ++i)
    for (std::size_t k = 0; k < p.ops[i].inputs.size(); ++k) {
      const std::size_t from = p.ops[i].inputs[k];
      const auto& needs = stages[i].needs[k];
      const auto& values = stages[from].values;
      std::vector<bool> is_moved(values.size());  // the other values stay inside a segment
      for (std::size_t o = 0; o < stages[from].options.count; ++o)
        if (stages[from].options.fused_until[o] == from) is_moved[stages[from].made[o]] = true;
      const least_move<most_operators_of_problem, Ranks> least_of(p, from);
      for (std::size_t v = 0; v < values.size(); ++v)
        for (std::size_t n = 0; n < needs.size(); ++n) {
          const bool is_there = !values[v].held.is_partial && provides(values[v].held.of, needs[n].held.of);
          if (!is_moved[v] || is_there) continue;
          const move_costs costs = costs_of(p, values[v].held, needs[n].held.of);
          const double least = costs.of(costs.quickest);
          INFO("tensor " << from << " value " << v << " operator " << i << " need " << n);
          CHECK(least_of.seconds(values[v], needs[n]) <= nearly * least);
          CHECK(least_of.received_seconds(values[v], needs[n]) <= nearly * least);
          ++compared;
        }
    }
}

template <std::size_t Ranks>
void compare_glances(const staged_problem<Ranks>& of, std::size_t& compared, std::size_t& telling) {
  constexpr std::size_t most = most_operators_of_problem;
  const auto& [seed, random, p, stages] = of;
  INFO("problem " << seed << " on " << Ranks << " ranks");
  for (std::size_t i = 0; i < p.ops.size(); ++i) {
    const std::size_t next = p.main_path.next[i];
    if (!p.main_path.has[i] || next == 0) continue;
    const reader_ahead<unbounded, most, Ranks> reader(p, i, next, &stages[next], &stages.behind(next));
    const queries_ahead<unbounded, most, Ranks> ahead(reader, least_move<most, Ranks>(p, i));
    const auto& values = stages[i].values;
    for (std::size_t o = 0; o < stages[i].options.count; ++o) {
      if (stages[i].options.fused_until[o] != i) continue;
      const auto& value = values[stages[i].made[o]];
      const bool is_read_before = p.main_path.is_read_before[i];
      const glance<unbounded, most, Ranks> seen(p, p.ops[i], value, is_read_before);
      for (std::size_t k = 0; k < ahead.count; ++k) {
        const auto& needed = ahead.needed[k].held.of;
        if (!value.held.is_partial && provides(value.held.of, needed)) {
          CHECK(seen.next_there(ahead, k) == k);
          continue;
        }
        const move_costs costs = costs_of(p, value.held, needed);
        INFO("operator " << i << " option " << o << " query " << k);
        const double move = costs.of(costs.quickest);
        const auto may_take_less = [&](double seconds) {
          const double limit = ahead.arriving[k] + seconds;
          return seen.next_near(ahead, limit, k) == k && ahead.arriving[k] + seen.soonest() < limit;
        };
        CHECK(may_take_less(nearly * move + 1e-12));
        ++compared;
        if (!may_take_less(move / 2)) ++telling;
      }
    }
  }
}

}  // namespace

TEST_CASE("no move takes less than is seen at a glance", "[planner]") {
  std::size_t compared = 0, telling = 0;
  for_each_problem([&](const auto& of) { compare_glances(of, compared, telling); });
  CHECK(compared > 10'000);
  CHECK(telling > compared / 3);
}

TEST_CASE("no move takes less than its bound", "[planner]") {
  std::size_t compared = 0;
  for_each_problem([&](const auto& of) { compare_moves(of, compared); });
  CHECK(compared > 10'000);
}

namespace {

template <std::size_t Ranks>
void compare_plans(const example& e) {
  const auto c = iop_test::unlike_cluster<Ranks>();
  for (const policy strategy : all_policies) {
    const auto made = make_plan<most_operators>(e.ops, c, strategy);
    const auto p = pose<most_operators>(e.ops, c, made.ends);
    const auto choices = choices_of(p);
    const staging<most_operators, Ranks> stages(p, choices);
    CHECK(stages.least_seconds() <= nearly * predict(e.ops, c, made).makespan_seconds);
  }
}

}  // namespace

TEST_CASE("no plan takes less than the bound at the start", "[planner]") {
  for (const example& e : odd_networks) {
    compare_plans<2>(e);
    compare_plans<3>(e);
    compare_plans<5>(e);
  }
}

namespace {

struct twin_counts {
  std::size_t options = 0, settled = 0, bounded = 0;
};

/// With twins and without.
template <class Network, std::size_t Ranks>
void compare_twins(const cluster<Ranks>& c, twin_counts& compared) {
  constexpr std::size_t operators = Network::spec.size();
  const auto p = pose<operators>(Network::spec.list(), c, {});
  auto without = p;
  for (std::size_t i = 0; i < operators; ++i) without.twin[i] = without.moves_like[i] = 0;
  const auto choices = choices_of(p);
  const staging<operators, Ranks> stages(p, choices), alone(without, choices);
  for (std::size_t i = 0; i < operators; ++i) {
    INFO("operator " << i << " on " << Ranks << " ranks");
    const auto &own = stages[i], &other = alone[i];
    std::size_t alike = 0;
    for (std::size_t n = 0; n < own.options.count && p.twin[i] != 0; ++n, ++compared.options) {
      bool is_alike = own.typical[n] == other.typical[n] && own.least[n] == other.least[n] &&
                      own.effort[n] == other.effort[n] && own.busy[n] == other.busy[n] &&
                      own.values[own.made[n]].held == other.values[other.made[n]].held;
      for (std::size_t r = 0; r < Ranks; ++r)
        is_alike = is_alike && own.seconds[n].of[r] == other.seconds[n].of[r];
      for (std::size_t k = 0; k < p.ops[i].inputs.size(); ++k)
        is_alike = is_alike && own.needs[k][own.query_needs[own.asked[n] * 4 + k]].held.of ==
                                   other.needs[k][other.query_needs[other.asked[n] * 4 + k]].held.of;
      alike += is_alike;
    }
    CHECK(alike == (p.twin[i] != 0 ? own.options.count : 0));
    if (p.moves_like[i] == 0) continue;
    const std::size_t behind = p.moves_like[i], next = p.main_path.next[i],
                      next_behind = p.main_path.next[behind];
    CHECK(p.twin[behind] == i);
    const auto &there = stages[behind], &reader = stages[next], &reader_there = stages[next_behind];
    std::size_t input = 0;
    while (p.ops[next].inputs[input] != i) ++input;
    for (std::size_t v = 0; v < own.values.count; ++v)
      for (std::size_t q = 0; q < reader.queries; ++q) {
        const std::size_t like_v = there.value_of_twin[v], like_q = reader_there.query_of_twin[q];
        if (like_v == nowhere || like_q == nowhere) continue;
        const double known = stages.behind(behind).moves[like_v * reader_there.queries + like_q];
        if (known == 0) continue;
        const auto& needed = reader.needs[input][reader.query_needs[q * 4 + input]].held.of;
        const move_costs costs = costs_of(p, own.values[v].held, needed);
        const double least = costs.of(costs.quickest);
        INFO("value " << v << " query " << q);
        if (known > 0) {
          CHECK(known == Approx(least));
          ++compared.settled;
        } else {
          CHECK(-known <= nearly * least);
          ++compared.bounded;
        }
      }
  }
}

template <std::size_t Ranks>
void compare_twins_on(const cluster<Ranks>& c, twin_counts& compared) {
  compare_twins<zoo::resnet18>(c, compared);
  compare_twins<zoo::mobilenet_v1>(c, compared);
}

}  // namespace

TEST_CASE("operators of repeated blocks see what they would see alone", "[planner]") {
  twin_counts compared;
  compare_twins_on(iop_test::unlike_cluster<3>(), compared);
  compare_twins_on(equal_cluster(2e-3), compared);
  CHECK(compared.options > 500);
  CHECK(compared.settled > 100);
  CHECK(compared.bounded > 100);
}
