// SPDX-License-Identifier: MIT
#include <iop/planner/schedule.hpp>

#include <algorithm>
#include <tuple>
#include <utility>
#include <vector>

#include "catch.hpp"
#include "plans.hpp"

using namespace iop;
using namespace iop::planner;
using namespace planner_test;

namespace {

using pieces = std::vector<std::tuple<std::size_t, std::size_t, box>>;

template <std::size_t Ranks>
pieces list(const value<Ranks>& from, const value<Ranks>& to) {
  pieces all;
  for (const message& m : messages_between(from, to)) all.emplace_back(m.from, m.to, m.piece);
  const auto key = [](const auto& m) { return std::pair(std::get<0>(m), std::get<1>(m)); };
  std::stable_sort(all.begin(), all.end(), [&](const auto& a, const auto& b) { return key(a) < key(b); });
  return all;
}

constexpr box all_of{{0, 8}, {0, 6}};

/// True when `sets` cover `wanted` exactly, each element once.
bool cover_once(const box& wanted, const std::vector<box>& sets) {
  for (std::size_t y = wanted.rows.begin; y < wanted.rows.end; ++y)
    for (std::size_t c = wanted.channels.begin; c < wanted.channels.end; ++c)
      if (std::count_if(sets.begin(), sets.end(), [&](const box& b) {
            return b.contains({{y, y + 1}, {c, c + 1}});
          }) != 1)
        return false;
  return std::all_of(sets.begin(), sets.end(), [&](const box& b) { return wanted.contains(b); });
}

/// True when in every exchange each rank gets each piece it needs, exactly once.
template <std::size_t Operators, std::size_t Ranks>
bool are_exchanges_sound(const schedule<Operators, Ranks>& all, std::size_t& exchanges) {
  for (const step& s : all.steps) {
    if (!s.is_exchange) continue;
    ++exchanges;
    const auto &from = all.source(s), &to = all.result(s);
    std::vector<box> got[Ranks];
    std::size_t summands[Ranks]{};
    bool sound = from.tensor == s.tensor && to.tensor == s.tensor && !to.is_partial;
    for (const message& m : messages_between(from, to)) {
      sound = sound && m.from != m.to && !m.piece.empty() && from.boxes[m.from].contains(m.piece);
      got[m.to].push_back(m.piece);
      summands[m.to] += m.piece == to.boxes[m.to];
    }
    for (std::size_t r = 0; r < Ranks; ++r) {
      if (from.is_partial) {
        std::size_t others = 0;
        for (std::size_t o = 0; o < Ranks; ++o) others += o != r && !from.boxes[o].empty();
        sound = sound && got[r].size() == summands[r] && summands[r] == (to.boxes[r].empty() ? 0 : others);
      } else {
        got[r].push_back(intersect(from.boxes[r], to.boxes[r]));
        sound = sound && cover_once(to.boxes[r], got[r]);
      }
    }
    if (!sound) return false;
  }
  return true;
}

}  // namespace

TEST_CASE("all_gather of channels: everybody's shard to everybody else", "[planner]") {
  const value<3> from{1, false, {{{0, 8}, {0, 3}}, {{0, 8}, {3, 4}}, {{0, 8}, {4, 6}}}};
  const value<3> to{1, false, {all_of, all_of, all_of}};
  CHECK(list(from, to) == pieces{{0, 1, from.boxes[0]},
                                 {0, 2, from.boxes[0]},
                                 {1, 0, from.boxes[1]},
                                 {1, 2, from.boxes[1]},
                                 {2, 0, from.boxes[2]},
                                 {2, 1, from.boxes[2]}});
}

TEST_CASE("gather, also around a rank without a shard", "[planner]") {
  const value<3> from{1, false, {{{0, 8}, {0, 2}}, {}, {{0, 8}, {2, 6}}}};
  const value<3> to{1, false, {{}, all_of, {}}};
  CHECK(list(from, to) == pieces{{0, 1, from.boxes[0]}, {2, 1, from.boxes[2]}});
}

TEST_CASE("broadcast and scatter come from the rank that has it", "[planner]") {
  const value<3> from{0, false, {{}, all_of, {}}};
  CHECK(list(from, value<3>{0, false, {all_of, all_of, all_of}}) == pieces{{1, 0, all_of}, {1, 2, all_of}});
  const box upper{{0, 5}, {0, 6}}, lower{{3, 8}, {0, 6}};
  CHECK(list(from, value<3>{0, false, {upper, lower, lower}}) == pieces{{1, 0, upper}, {1, 2, lower}});
}

TEST_CASE("a halo comes from the neighbours, even from two on one side", "[planner]") {
  const value<3> from{1, false, {{{0, 4}, {0, 6}}, {{4, 5}, {0, 6}}, {{5, 8}, {0, 6}}}};
  const value<3> to{1, false, {{{0, 5}, {0, 6}}, {{3, 6}, {0, 6}}, {{3, 8}, {0, 6}}}};
  CHECK(list(from, to) == pieces{{0, 1, {{3, 4}, {0, 6}}},
                                 {0, 2, {{3, 4}, {0, 6}}},
                                 {1, 0, {{4, 5}, {0, 6}}},
                                 {1, 2, {{4, 5}, {0, 6}}},
                                 {2, 1, {{5, 6}, {0, 6}}}});
}

TEST_CASE("what a rank holds in the middle is not sent to it again", "[planner]") {
  const value<2> from{1, false, {all_of, {{3, 5}, {0, 6}}}};
  CHECK(list(from, value<2>{1, false, {all_of, all_of}}) ==
        pieces{{0, 1, {{0, 3}, {0, 6}}}, {0, 1, {{5, 8}, {0, 6}}}});
}

TEST_CASE("nothing moves where nothing is missing", "[planner]") {
  const value<2> from{1, false, {all_of, {{0, 4}, {0, 6}}}};
  CHECK(list(from, value<2>{1, false, {{{2, 4}, {0, 6}}, {{0, 3}, {0, 6}}}}).empty());
}

TEST_CASE("a partial sum needs every other rank's summand", "[planner]") {
  const value<3> from{1, true, {all_of, {}, all_of}};
  CHECK(list(from, value<3>{1, false, {all_of, {}, {}}}) == pieces{{2, 0, all_of}});
  CHECK(list(from, value<3>{1, false, {all_of, all_of, all_of}}) ==
        pieces{{0, 1, all_of}, {0, 2, all_of}, {2, 0, all_of}, {2, 1, all_of}});
  const box upper{{0, 4}, {0, 6}}, lower{{4, 8}, {0, 6}};
  CHECK(list(from, value<3>{1, false, {upper, {}, lower}}) == pieces{{0, 2, lower}, {2, 0, upper}});
}

TEST_CASE("even shards cover a shape once", "[planner]") {
  for (const shape s : {shape{5, 7, 2}, shape{9, 2, 2}, shape{2, 1, 1}})
    for (std::size_t count = 1; count <= 5; ++count) {
      std::vector<box> shards;
      for (std::size_t i = 0; i < count; ++i) shards.push_back(even_shard(s, i, count));
      INFO(s.channels << " channels, " << s.height << " rows, " << count << " shards");
      CHECK(cover_once(whole(s), shards));
    }
}

TEST_CASE("LeNet's exchanges on three equal devices", "[planner]") {
  const auto c = equal_cluster(2e-3);
  const auto under = [&](policy p) { return predict(lenet5.ops, c, plan_for(lenet5, c, p)); };
  // Image to two; two convolutions and two dense layers gathered by all (6 each); the scores of two to the
  // first.
  CHECK(under(policy::output_channel).exchanges == 6);
  CHECK(under(policy::output_channel).messages == 2 + 4 * 6 + 2);
  CHECK(under(policy::coedge).exchanges == 3);
  CHECK(under(policy::interleaved).exchanges == 4);
  CHECK(under(policy::interleaved).messages == 16);
  CHECK(under(policy::single_device).exchanges == 0);
}

TEST_CASE("in every exchange of every plan each rank gets each needed piece exactly once", "[planner]") {
  std::size_t exchanges = 0;
  for_each_plan([&](const example& e, const auto& c, const auto& p) {
    INFO(e.name << " under " << name_of(p.strategy) << " on " << c.size());
    REQUIRE(are_exchanges_sound(spell_out(e.ops, p), exchanges));
  });
  CHECK(exchanges > 500);
}

TEST_CASE("so it is in plans that no policy would make", "[planner]") {
  std::size_t exchanges = 0;
  for_each_random_plan([&](const example& e, const auto& p, std::uint64_t seed) {
    INFO(e.name << ", seed " << seed << " on " << p.ranks());
    REQUIRE(are_exchanges_sound(spell_out(e.ops, p), exchanges));
  });
  CHECK(exchanges > 5000);
}

TEST_CASE("every step of every plan finds its inputs, and the result ends where it is wanted", "[planner]") {
  for_each_plan([&](const example& e, const auto& c, const auto& p) {
    constexpr std::size_t ranks = std::decay_t<decltype(p)>::ranks();
    INFO(e.name << " under " << name_of(p.strategy) << " on " << c.size());
    const auto all = spell_out(e.ops, p);
    for (const step& s : all.steps) {
      if (s.is_exchange || s.tensor == 0) continue;
      const op& o = e.ops[s.tensor];
      std::vector<box> made;
      range inputs{};  // that have been summed over
      for (std::size_t r = 0; r < ranks; ++r) {
        const box& out = all.result(s).boxes[r];
        INFO("operator " << s.tensor << " rank " << r);
        REQUIRE(all.source(s).boxes[r].contains(input_box(o, p.decisions[s.tensor], r)));
        REQUIRE_FALSE(all.source(s).is_partial);
        REQUIRE(whole(o.out).contains(out));
        if (!out.empty()) made.push_back(out);
        if (p.decisions[s.tensor].how == partition::input_channel && !out.empty()) {
          REQUIRE(inputs.end == p.decisions[s.tensor].shares[r].begin);
          inputs.end = p.decisions[s.tensor].shares[r].end;
        }
      }
      if (all.result(s).is_partial)
        REQUIRE(inputs.end == o.in.channels);
      else if (p.decisions[s.tensor].how == partition::output_channel)
        REQUIRE(cover_once(whole(o.out), made));
    }
    REQUIRE(all.result(all.steps.back()).boxes[p.ends.output_rank] == whole(e.ops.back().out));
  });
}

namespace {

/// Each rank's channels of 24, all of which everybody needs.
template <std::size_t Ranks>
value<Ranks> shards(bool is_partial = false) {
  value<Ranks> v{0, is_partial, {}};
  for (std::size_t r = 0; r < Ranks; ++r)
    v.boxes[r] = {{0, 1}, is_partial ? range{0, 24} : range{24 * r / Ranks, 24 * (r + 1) / Ranks}};
  return v;
}

constexpr shape vector_of_24{24, 1, 1};

/// Of each round, the most messages that any rank sends, and that any gets.
template <std::size_t Ranks>
std::vector<std::pair<std::size_t, std::size_t>> busiest(const value<Ranks>& from, route how) {
  box needed[Ranks]{};
  for (box& b : needed) b = whole(vector_of_24);
  std::vector<std::pair<std::size_t, std::size_t>> all;
  value<Ranks> now = from;
  for (const value<Ranks>& next : rounds_of(from, needed, how, vector_of_24, 0)) {
    std::size_t sent[Ranks]{}, received[Ranks]{};
    for (const message& m : messages_between(now, next)) ++sent[m.from], ++received[m.to];
    all.emplace_back(*std::max_element(sent, sent + Ranks), *std::max_element(received, received + Ranks));
    now = next;
  }
  CHECK(provides(now, needed));
  return all;
}

using rounds = std::vector<std::pair<std::size_t, std::size_t>>;

}  // namespace

TEST_CASE("doubling: a message to everybody in each of few rounds", "[planner]") {
  CHECK(busiest(shards<4>(), route::direct) == rounds{{3, 3}});
  CHECK(busiest(shards<4>(), route::doubling) == rounds{{1, 1}, {1, 1}});
  CHECK(busiest(shards<6>(), route::direct) == rounds{{5, 5}});
  CHECK(busiest(shards<6>(), route::doubling) == rounds{{1, 1}, {2, 2}});
  CHECK(busiest(shards<8>(), route::doubling) == rounds{{1, 1}, {1, 1}, {1, 1}});
  CHECK(busiest(shards<5>(), route::doubling) == rounds{{4, 4}});  // a prime: directly
  // A sum: shards are summed, then gathered.
  CHECK(busiest(shards<4>(true), route::scatter_gather) == rounds{{3, 3}, {3, 3}});
  CHECK(busiest(shards<4>(true), route::scatter_doubling) == rounds{{3, 3}, {1, 1}, {1, 1}});
  CHECK(busiest(shards<4>(true), route::via_root) == rounds{{1, 3}, {3, 1}});
}

TEST_CASE("of several that hold a piece, each sends its share", "[planner]") {
  value<4> two{0, false, {}}, all{0, false, {}};
  for (std::size_t r = 0; r < 4; ++r) all.boxes[r] = whole(vector_of_24);
  two.boxes[0] = two.boxes[1] = whole(vector_of_24);
  const auto messages = messages_between(two, all);
  REQUIRE(messages.size() == 2);
  CHECK(messages[0].from == 0);
  CHECK(messages[1].from == 1);
}

TEST_CASE("which routes pay", "[planner]") {
  const auto paying = [](const auto& from, const auto& needed) {
    std::vector<route> all;
    for (const route how : all_routes)
      if (pays(spread_of(from, needed, vector_of_24), from.is_partial, how)) all.push_back(how);
    return all;
  };
  using routes = std::vector<route>;
  const box everything = whole(vector_of_24);
  const box(everywhere)[4] = {everything, everything, everything, everything};
  const box three[4] = {everything, everything, everything, {}};
  const box one[4] = {everything, {}, {}, {}};
  const box halves[4] = {{{0, 1}, {0, 12}}, {{0, 1}, {12, 24}}, {}, {}};
  value<4> single{0, false, {everything, {}, {}, {}}};
  CHECK(paying(shards<4>(), everywhere) == routes{route::via_root, route::doubling});
  CHECK(paying(shards<4>(), three) == routes{route::via_root});
  CHECK(paying(shards<4>(), one).empty());
  CHECK(paying(shards<4>(), halves).empty());
  CHECK(paying(single, everywhere) == routes{route::scatter_gather, route::scatter_doubling});
  CHECK(paying(single, three) == routes{route::scatter_gather});
  CHECK(paying(shards<4>(true), everywhere) ==
        routes{route::scatter_gather, route::via_root, route::scatter_doubling});
  CHECK(paying(shards<4>(true), one) == routes{route::scatter_gather});
}
