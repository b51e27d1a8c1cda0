// SPDX-License-Identifier: MIT
#include <iop/planner/choices.hpp>

#include <algorithm>
#include <set>
#include <string_view>

#include "catch.hpp"
#include "choice_list.hpp"
#include "plans.hpp"

using namespace iop;
using namespace iop::literals;
using namespace iop::planner;
using namespace planner_test;

namespace {

template <std::size_t Ranks>
cluster<Ranks> equal_devices() {
  cluster<Ranks> c;
  for (std::size_t r = 0; r < Ranks; ++r) c.devices.push_back({"equal", 1_GFLOPs, 1_GBps, 1_GiB});
  c.connect_all({100_Mbitps, 1_ms});
  return c;
}

template <std::size_t Ranks>
std::set<rank_set> sets_of(const cluster<Ranks>& c, endpoints ends = {}) {
  const auto sets = member_sets(c, ends);
  std::set<rank_set> all(sets.begin(), sets.end());
  CHECK(all.size() == sets.size());
  return all;
}

/// The partitions of the choices of all operators behind the input that can be cut.
std::set<partition> partitions(const example& e, const allowances& allowed) {
  const auto c = iop_test::unlike_cluster<3>();
  std::set<partition> all;
  const auto choices = lists_of(pose<most_operators>(e.ops, c, {}, allowed));
  for (std::size_t i = 1; i < e.ops.size(); ++i) {
    CHECK(!choices[i].empty());
    if (e.ops[i].what == kind::softmax) continue;
    for (const auto& each : choices[i]) all.insert(each.made.how);
  }
  return all;
}

}  // namespace

TEST_CASE("of up to four unlike devices, all sets of two and more", "[planner]") {
  CHECK(sets_of(iop_test::unlike_cluster<1>()).empty());
  CHECK(sets_of(iop_test::unlike_cluster<2>()) == std::set<rank_set>{3});
  CHECK(sets_of(iop_test::unlike_cluster<3>()) == std::set<rank_set>{3, 5, 6, 7});
  CHECK(sets_of(iop_test::unlike_cluster<4>()).size() == 11);
}

TEST_CASE("of alike devices, sets that differ in more than names", "[planner]") {
  // Two or three devices with the one that has both ends or without it, and all four.
  CHECK(sets_of(equal_devices<4>(), {0, 0}).size() == 5);
  CHECK(sets_of(equal_devices<4>(), {0, 1}).size() == 8);
  CHECK(sets_of(equal_devices<3>(), {0, 0}).size() == 4);
  CHECK(sets_of(equal_devices<4>().with_link(2, 3, {1_Gbitps, 1_ms}), {0, 0}).size() == 11);
}

TEST_CASE("of many devices, the fastest, the largest and all but one", "[planner]") {
  auto c = equal_devices<6>();
  for (std::size_t r = 0; r < 6; ++r) {
    c.devices[r].compute.flops_per_second = 1e9 * static_cast<double>(1 + r);  // 5 is the fastest
    c.devices[r].memory.bytes = (10 - r) << 20;                                // 0 is the largest
  }
  const auto sets = sets_of(c);
  for (const rank_set expected : {0b110000u, 0b111000u, 0b111100u, 0b111110u, 0b111111u, 0b000011u, 0b000111u,
                                  0b001111u, 0b011111u, 0b111011u})
    CHECK(sets.count(expected) == 1);
  CHECK(sets.size() == 5 + 4 + 4);
}

TEST_CASE("inside a segment each operator makes the rows that the next one needs", "[planner]") {
  const auto c = iop_test::unlike_cluster<4>();
  std::size_t fused = 0;
  for (const example& e : odd_networks) {
    const auto choices = lists_of(pose<most_operators>(e.ops, c, {}));
    for (std::size_t i = 1; i + 1 < e.ops.size(); ++i)
      for (const auto& each : choices[i]) {
        if (each.fused_until == i) continue;
        const op& next = e.ops[i + 1];
        const auto behind =
            std::find_if(choices[i + 1].begin(), choices[i + 1].end(), [&](const auto& other) {
              return other.made.how == partition::spatial && other.members == each.members &&
                     other.fused_until == each.fused_until;
            });
        INFO(e.name << ", operator " << i << " of a segment until " << each.fused_until);
        REQUIRE(behind != choices[i + 1].end());
        ++fused;
        for (std::size_t r = 0; r < 4; ++r)
          for (std::size_t k = 0; k < next.inputs.size(); ++k)
            if (next.inputs[k] == i)
              CHECK(each.made.shares[r].contains(input_box(next, behind->made, r, k).rows));
      }
  }
  CHECK(fused > 400);
}

TEST_CASE("what is not allowed is no choice", "[planner]") {
  for (const example& e : odd_networks) {
    INFO(e.name);
    const auto has = [&](const allowances& allowed, partition how) {
      return partitions(e, allowed).count(how) == 1;
    };
    CHECK(!has({.single = false}, partition::single));
    CHECK(!has({.single = false}, partition::replicated));
    CHECK(!has({.spatial = false}, partition::spatial));
    CHECK(!has({.input_channel = false, .interleaved = false}, partition::input_channel));
    CHECK(!has({.output_channel = false}, partition::output_channel));
    const auto c = iop_test::unlike_cluster<3>();
    allowances all_devices;
    all_devices.subsets = all_devices.single = false;
    for (const auto& of_one : lists_of(pose<most_operators>(e.ops, c, {}, all_devices)))
      for (const auto& each : of_one)
        if (each.made.how == partition::replicated) CHECK(each.members == 7);
    allowances unfused;
    unfused.fused = false;
    const auto choices = lists_of(pose<most_operators>(e.ops, c, {}, unfused));
    for (std::size_t i = 0; i < e.ops.size(); ++i)
      for (const auto& each : choices[i]) CHECK(each.fused_until == i);
  }
}

TEST_CASE("with rows first, channels are cut only where there are no rows", "[planner]") {
  allowances rows_first;
  rows_first.single = false;
  rows_first.rows_first = true;
  const auto c = iop_test::unlike_cluster<3>();
  for (const example& e : odd_networks) {
    const auto choices = lists_of(pose<most_operators>(e.ops, c, {}, rows_first));
    for (std::size_t i = 1; i < e.ops.size(); ++i)
      if (has_rows(e.ops[i]) && e.ops[i].out.height > 1)
        for (const auto& each : choices[i]) CHECK(each.made.how == partition::spatial);
  }
}

TEST_CASE("a problem knows when memory binds and what remains", "[planner]") {
  auto c = equal_devices<3>();
  const auto p = pose<most_operators>(alexnet.ops, c, {});
  CHECK(!p.memory_binds);
  CHECK(p.least_message == Approx(1e-3));
  for (std::size_t i = 1; i < alexnet.ops.size(); ++i)
    CHECK(p.least_flops_behind[i] <= p.least_flops_behind[i - 1]);
  CHECK(p.least_flops_behind[0] >= 2.0 * static_cast<double>(multiply_adds(alexnet.ops)));
  c.devices[1].memory = 200_MiB;
  CHECK(pose<most_operators>(alexnet.ops, c, {}).memory_binds);
  CHECK(pose<most_operators>(alexnet.ops, c.with_link(1, 2, {1_Gbitps, 0_s}), {}).least_message == 0);
}
