// SPDX-License-Identifier: MIT
// Winograd's algorithm as a choice of the plan: used where it saves time and its larger weights fit.
#include <iop/planner/winograd_fitting.hpp>

#include "catch.hpp"
#include "plans.hpp"

using namespace iop;
using namespace iop::literals;
using namespace iop::planner;
using namespace planner_test;

namespace {

template <std::size_t Ranks>
cluster<Ranks> boards(compute_rate winograd, std::size_t bytes) {
  cluster<Ranks> c;
  for (std::size_t r = 0; r < Ranks; ++r)
    c.devices.push_back({"board", 10_GFLOPs, 3_GBps, {bytes}, 1, winograd});
  c.connect_all({100_Mbitps, 2_ms, false});
  return c;
}

template <class Plan>
std::size_t uses(const Plan& p, std::size_t rank = 0) {
  std::size_t count = 0;
  for (const auto& d : p.decisions) count += has(d.winograd, rank);
  return count;
}

constexpr std::size_t plenty = std::size_t{8} << 30;

}  // namespace

TEST_CASE("Winograd's algorithm is used where the device's profile says that it is quicker", "[planner]") {
  CHECK(uses(plan_for(vgg11, boards<1>({}, plenty), policy::single_device)) == 0);
  CHECK(uses(plan_for(vgg11, boards<1>(5_GFLOPs, plenty), policy::single_device)) == 0);
  // All of its convolutions are 3×3 with stride 1, but the first reads three channels.
  const auto p = plan_for(vgg11, boards<1>(22_GFLOPs, plenty), policy::single_device);
  std::size_t eligible = 0;
  for (const op& o : vgg11.ops) eligible += has_winograd(o);
  CHECK(eligible == 7);
  CHECK(uses(p) == eligible);
  CHECK(predict(vgg11.ops, boards<1>(22_GFLOPs, plenty), p).makespan_seconds <
        0.6 * predict(vgg11.ops, boards<1>({}, plenty), p).makespan_seconds);
}

TEST_CASE("where memory is short the direct form and its smaller weights take over, under every policy",
          "[planner]") {
  const auto ample = boards<3>(22_GFLOPs, plenty);
  for (const policy strategy : all_policies) {
    INFO(name_of(strategy));
    const auto all = plan_for(vgg11, ample, strategy);
    auto none = all;
    for (auto& d : none.decisions) d.winograd = 0;
    std::size_t large = 0, small = 0;
    for (std::size_t r = 0; r < 3; ++r) {
      large = std::max(large, footprint_of(vgg11.ops, all, r).bytes());
      small = std::max(small, footprint_of(vgg11.ops, none, r).bytes());
    }
    REQUIRE(small < large);
    const auto tight = boards<3>(22_GFLOPs, (small + large) / 2);
    const auto p = plan_for(vgg11, tight, strategy);
    CHECK(missing_bytes(vgg11.ops, tight, p) == 0);
    std::size_t used = 0, used_before = 0;
    for (std::size_t r = 0; r < 3; ++r) used += uses(p, r), used_before += uses(all, r);
    CHECK(used > 0);
    CHECK(used <= used_before);
    CHECK(predict(vgg11.ops, tight, p).makespan_seconds <
          predict(vgg11.ops, tight, none).makespan_seconds * (1 + 1e-9));
    const auto best = plan_for(vgg11, tight, policy::optimal);
    CHECK(predict(vgg11.ops, tight, best).makespan_seconds <=
          predict(vgg11.ops, tight, p).makespan_seconds * (1 + 1e-9));
  }
}

TEST_CASE("what loses the least time for its memory goes back to the direct form first", "[planner]") {
  const auto ample = boards<1>(22_GFLOPs, plenty);
  const auto all = plan_for(vgg11, ample, policy::single_device);
  // One byte too few for all: the deepest convolutions have the most weights for the least work.
  const auto c = boards<1>(22_GFLOPs, footprint_of(vgg11.ops, all, 0).bytes() - 1);
  const auto p = fit_winograd(vgg11.ops, c, all);
  CHECK(missing_bytes(vgg11.ops, c, p) == 0);
  REQUIRE(uses(p) + 1 == uses(all));
  std::size_t gone = 0;
  for (std::size_t i = 0; i < vgg11.ops.size(); ++i)
    if (all.decisions[i].winograd != p.decisions[i].winograd) gone = i;
  CHECK(vgg11.ops[gone].out.height == 14);
  CHECK(!(digest_of(all) == digest_of(p)));
}

TEST_CASE("replicas compute alike, although one device would be quicker by Winograd's algorithm",
          "[planner]") {
  auto c = boards<2>(22_GFLOPs, plenty);
  c.devices[1].winograd = {};
  op o = vgg11.ops[3];
  REQUIRE(has_winograd(o));
  CHECK(quicker_by_winograd(o, c, decide_replicated<2>(o)) == 0);
  CHECK(quicker_by_winograd(o, c, decide_single<2>(o, 0)) == 1);
  share_list<2> halves{{{0, 64}, {64, 128}}};
  CHECK(quicker_by_winograd(o, c, decide(partition::output_channel, halves)) == 1);
}
