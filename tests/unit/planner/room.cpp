// SPDX-License-Identifier: MIT
#include <iop/planner/room.hpp>

#include "catch.hpp"
#include "plans.hpp"

using namespace iop;
using namespace iop::planner;
using namespace planner_test;

TEST_CASE("no move is counted with more than the arena has for it", "[planner]") {
  std::size_t equal = 0, moves = 0;
  for_each_random_plan([&]<std::size_t Operators, std::size_t Ranks>(
                           const example& e, const plan<Operators, Ranks>& made, std::uint64_t seed) {
    const auto c = iop_test::unlike_cluster<Ranks>();
    problem<Operators, Ranks> p;
    p.ops = e.ops;
    p.devices = &c;
    const auto all = spell_out(e.ops, made);
    for (std::size_t r = 0; r < Ranks; ++r) {
      const auto layout = lay_out(e.ops, made, all, r);
      for (const step& s : all.steps) {
        if (!s.is_exchange) continue;
        round_list<Ranks> only;
        only.push_back(all.result(s));
        const auto room = room_of(p, all.source(s), only);
        INFO(e.name << ", plan " << seed << ", rank " << r);
        CHECK(room.most[r] <= layout.floats);
        CHECK(room.result[r] == floats_of(p, all.result(s), r));
        equal += room.most[r] == layout.floats;
        ++moves;
      }
    }
  });
  CHECK(equal > moves / 100);
}

TEST_CASE("room is for weights, what a vector load may read behind them, and activations", "[planner]") {
  using namespace iop::literals;
  auto c = equal_cluster(0);
  c.devices[0].memory.bytes = 4 * (160 + alignment_floats + 48);
  problem<4, 3> p;
  p.devices = &c;
  CHECK(has_room(p, 0, 160, 48));
  CHECK(!has_room(p, 0, 160, 64));
  CHECK(has_room(p, 0, 0, 160 + alignment_floats + 48));  // no weights, nothing behind them
  CHECK(has_room(p, 1, 1 << 20, 1 << 20));
}
