// SPDX-License-Identifier: MIT
#include <iop/planner/move.hpp>
#include <iop/planner/staging.hpp>

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

template <std::size_t Ranks>
cluster<Ranks> equal_links() {
  cluster<Ranks> c = iop_test::unlike_cluster<Ranks>();
  c.connect_all({{12.5e6}, {5e-4}, false});
  return c;
}

/// How often each route is the quickest in exchanges of random plans.
template <std::size_t Ranks>
void compare_routes(const example& e, const cluster<Ranks>& c, std::uint64_t seed,
                    std::size_t (&better)[std::size(all_routes)]) {
  const auto made = iop_test::random_plan<most_operators, Ranks>(e.ops, seed);
  const auto p = pose<most_operators>(e.ops, c, made.ends);
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

    const holding<Ranks> held = holding_of(from);
    const move_costs quickest =
        costs_of(p, held, sharing_of(held.of, e.ops[from.tensor].out), layout_of(needed), true);
    CHECK(quickest.quickest == costs.quickest);
    CHECK(quickest.of(quickest.quickest) == costs.of(costs.quickest));
  }
}

}  // namespace

TEST_CASE("the costs of a move are those of its rounds, and the quickest is the least", "[planner]") {
  std::size_t better[std::size(all_routes)]{};
  for (const example& e : odd_networks)
    for (std::uint64_t seed = 0; seed < 20; ++seed) {
      compare_routes(e, iop_test::unlike_cluster<3>(), seed, better);
      compare_routes(e, iop_test::unlike_cluster<4>(), seed, better);
      compare_routes(e, equal_links<2>(), seed, better);
      compare_routes(e, equal_links<5>(), seed, better);
      compare_routes(e, equal_links<4>(), seed, better);
    }
  CHECK(better[static_cast<std::size_t>(route::direct)] > 100);
}

TEST_CASE("where links are alike, messages are counted as they are sent", "[planner]") {
  std::size_t split = 0, others = 0;
  for (const example& e : odd_networks) {
    cluster<5> c;
    for (std::size_t r = 0; r < 5; ++r) c.devices.push_back(equal_cluster(5e-4).devices[0]);
    c.connect_all({{12.5e6}, {5e-4}, false});
    const auto p = pose<most_operators>(e.ops, c, {});
    REQUIRE(p.links.are_alike);
    const auto choices = choices_of(p);
    const staging<most_operators, 5> stages(p, choices);
    for (std::size_t i = 1; i < e.ops.size(); ++i)
      for (std::size_t k = 0; k < e.ops[i].inputs.size(); ++k) {
        const std::size_t from = e.ops[i].inputs[k], width = e.ops[from].out.width;
        const auto& values = stages[from].values;
        const auto& needs = stages[i].needs[k];
        for (std::size_t v = 0; v < values.size(); ++v)
          for (std::size_t n = 0; n < needs.size(); ++n) {
            const layout<5> need = needs[n].held.of;
            const layout<5> held = values[v].held.of;
            exchange_time<5> time(p.links, width);
            const bool is_possible = for_each_message(
                held, values[v].held.is_partial, need,
                [&](std::size_t s, std::size_t r, std::size_t top, std::size_t bottom, std::size_t first,
                    std::size_t last) { time.add(s, r, bottom - top, last - first); });
            const double seconds =
                direct_seconds(p, width, held, values[v].shared, values[v].held.is_partial, need);
            INFO("tensor " << from << " value " << v << " of " << e.name);
            CHECK(seconds == (is_possible ? Approx(time.seconds()) : Approx(move_costs::impossible)));
            (values[v].shared.is_split ? split : others) += 1;
          }
      }
  }
  CHECK(split > 1000);
  CHECK(others > 1000);
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
