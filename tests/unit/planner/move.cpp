// SPDX-License-Identifier: MIT
#include <iop/planner/move.hpp>

#include "catch.hpp"
#include "plans.hpp"

using namespace iop;
using namespace iop::planner;
using namespace planner_test;

namespace {

/// What the rounds of a route take, one by one.
template <std::size_t Operators, std::size_t Ranks>
double seconds_of_rounds(const problem<Operators, Ranks>& p, const value<Ranks>& from,
                         const box (&needed)[Ranks], route how) {
  const shape& extent = p.ops[from.tensor].out;
  double seconds = 0;
  value<Ranks> now = from;
  for (const value<Ranks>& next : rounds_of(from, needed, how, extent, collecting_rank(p.ends, needed))) {
    seconds += seconds_of(*p.devices, messages_between(now, next), extent.width);
    now = next;
  }
  return seconds;
}

}  // namespace

TEST_CASE("the costs of a move are those of its rounds, and the quickest is the least", "[planner]") {
  std::size_t better[std::size(all_routes)]{};
  const auto look = [&]<std::size_t Operators, std::size_t Ranks>(
                        const example& e, const plan<Operators, Ranks>& made, std::uint64_t) {
    const auto c = iop_test::unlike_cluster<Ranks>();
    const auto p = pose<Operators>(e.ops, c, made.ends);
    const auto all = spell_out(e.ops, made);
    for (const step& s : all.steps) {
      if (!s.is_exchange) continue;
      const value<Ranks>& from = all.source(s);
      const auto& needed = all.result(s).boxes;
      const auto spread = spread_of(from, needed, e.ops[from.tensor].out);
      const move_costs costs = costs_of(p, from, needed);
      double least = move_costs::impossible;
      for (const route how : all_routes) {
        least = std::min(least, costs.of(how));
        if (how != route::direct && !pays(spread, from.is_partial, how)) continue;
        if (costs.has_messages) CHECK(costs.of(how) == Approx(seconds_of_rounds(p, from, needed, how)));
      }
      if (costs.has_messages) CHECK(costs.of(costs.quickest) == least);
      ++better[static_cast<std::size_t>(costs.quickest)];
    }
  };
  for (const example& e : odd_networks)
    for (std::uint64_t seed = 0; seed < 20; ++seed) {
      look(e, iop_test::random_plan<most_operators, 3>(e.ops, seed), seed);
      look(e, iop_test::random_plan<most_operators, 4>(e.ops, seed), seed);
    }
  CHECK(better[static_cast<std::size_t>(route::direct)] > 100);
}

TEST_CASE("what nobody holds cannot be moved", "[planner]") {
  const auto c = iop_test::unlike_cluster<2>();
  const auto p = pose<most_operators>(lenet5.ops, c, {});
  const box rows[2] = {{{0, 28}, {0, 1}}, {}};
  const value<2> upper{0, false, {{{0, 9}, {0, 1}}, {{9, 20}, {0, 1}}}};
  CHECK(costs_of(p, upper, rows).of(route::direct) == move_costs::impossible);
}

TEST_CASE("with four devices and dear messages, all get the parts of all in two rounds", "[planner]") {
  cluster<4> c;
  for (std::size_t r = 0; r < 4; ++r) c.devices.push_back(equal_cluster(8e-3).devices[0]);
  c.connect_all({{12.5e6}, {8e-3}, false});
  const auto p = pose<most_operators>(lenet5.ops, c, {});
  const op& o = lenet5.ops[1];
  value<4> from{1, false, {}};
  box needed[4]{};
  for (std::size_t r = 0; r < 4; ++r) {
    from.boxes[r] = even_shard(o.out, r, 4);
    needed[r] = whole(o.out);
  }
  const move_costs costs = costs_of(p, from, needed);
  CHECK(costs.quickest == route::doubling);
  const double bytes = static_cast<double>(o.out.size() * sizeof(float)) * 3 / 4;
  CHECK(costs.of(route::doubling) == Approx(2 * 8e-3 + bytes / 12.5e6));
  CHECK(costs.of(route::direct) == Approx(3 * 8e-3 + bytes / 12.5e6));
}
