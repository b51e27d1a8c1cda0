// SPDX-License-Identifier: MIT
#include <iop/planner/cut_shifting.hpp>

#include <algorithm>
#include <cstdint>

#include "catch.hpp"
#include "plans.hpp"
#include "support/random_problem.hpp"

using namespace iop;
using namespace iop::planner;
using namespace planner_test;

namespace {

/// Bytes that the devices lack together.
template <std::size_t Ranks>
std::size_t missing_in_all(op_list ops, const cluster<Ranks>& c, const plan<most_operators, Ranks>& p) {
  std::size_t sum = 0;
  const auto all = spell_out(ops, p);
  for (std::size_t r = 0; r < Ranks; ++r) sum += missing_bytes(ops, c, p, all, r);
  return sum;
}

template <std::size_t Ranks>
bool keeps_all_channels(const op& o, const decision<Ranks>& d) {
  std::size_t end = 0;
  for (const range& share : d.shares) {
    if (share.empty()) continue;
    if (share.begin != end || share.begin % channel_unit(o) != 0) return false;
    end = share.end;
  }
  return end == (d.how == partition::input_channel ? o.in.channels : o.out.channels);
}

/// Reads channels where they were made.
template <std::size_t Ranks>
bool follows(const op& o, const decision<Ranks>& d, const decision<Ranks>& producer) {
  const bool reads_own =
      d.how == partition::input_channel || (d.how == partition::output_channel && is_channelwise(o));
  return reads_own && producer.how == partition::output_channel &&
         std::equal(d.shares, d.shares + Ranks, producer.shares);
}

/// Devices with 0.8 to 1.2 times what the plan needs of each.
template <std::size_t Ranks>
cluster<Ranks> barely(op_list ops, const plan<most_operators, Ranks>& p, std::uint64_t seed) {
  iop_test::draw draw(seed);
  auto c = iop_test::unlike_cluster<Ranks>();
  for (std::size_t r = 0; r < Ranks; ++r)
    c.devices[r].memory.bytes =
        static_cast<std::size_t>(draw.real(0.8, 1.2) * static_cast<double>(footprint_of(ops, p, r).bytes()));
  return c;
}

}  // namespace

TEST_CASE("a few channels go to a device that has room, and the plan fits", "[planner]") {
  // Balanced by speed, the dense layer of 120 channels is cut 24 to 96, and the hub lacks 961 bytes.
  const iop::link radio{{50e6 / 8}, {2e-3}, true};
  const cluster<3> c{device{"camera", {2e9}, {1e9}, {72'511}}, device{"hub", {10e9}, {3e9}, {160'000}, 16},
                     device{"sensor", {1e9}, {5e8}, {45'120}}, radio};
  const auto p = plan_for(lenet5, c, policy::optimal);
  CHECK(missing_bytes(lenet5.ops, c, p) == 0);
  CHECK(predict(lenet5.ops, c, p).makespan_seconds < 8.85e-3);
}

TEST_CASE("with a little more memory a plan is no slower", "[planner]") {
  const auto with = [](const example& e, std::size_t bytes) {
    auto c = equal_cluster(0.5e-3);
    for (device& d : c.devices) d.memory.bytes = bytes, d.channel_step = 16;
    const auto p = plan_for(e, c, policy::optimal);
    INFO(e.name << " in " << bytes << " bytes");
    CHECK(missing_bytes(e.ops, c, p) == 0);
    return predict(e.ops, c, p).makespan_seconds;
  };
  // A third of the weights, and a little: 82,275 and 177,151,488 bytes.
  double least = 3e-3;
  for (std::size_t kibibytes = 90; kibibytes <= 100; kibibytes += 2) {
    const double seconds = with(lenet5, kibibytes << 10);
    CHECK(seconds <= 1.01 * least);
    least = std::min(least, seconds);
  }
  for (const std::size_t mebibytes : {177u, 179u, 181u, 183u}) CHECK(with(vgg11, mebibytes << 20) < 0.83);
}

TEST_CASE("shifting any plan's cuts leaves a plan, and one that is no worse", "[planner]") {
  std::size_t changed = 0, fitting = 0;
  for_each_random_plan([&]<std::size_t Operators, std::size_t Ranks>(
                           const example& e, const plan<Operators, Ranks>& start, std::uint64_t seed) {
    if (seed % 4 != 0) return;
    INFO(e.name << ", seed " << seed << " on " << Ranks);
    const auto c = barely<Ranks>(e.ops, start, seed);
    cut_shifting work(e.ops, c, start);
    work.run(300);
    const auto& made = work.made();
    const std::size_t before = missing_in_all(e.ops, c, start), behind = missing_in_all(e.ops, c, made);
    CHECK(behind <= before);
    if (behind == before)
      CHECK(predict(e.ops, c, made).makespan_seconds <= predict(e.ops, c, start).makespan_seconds);
    changed += !(made == start), fitting += before > 0 && behind == 0;
    for (std::size_t i = 1; i < e.ops.size(); ++i) {
      const auto &d = made.decisions[i], &was = start.decisions[i];
      CHECK(d.how == was.how);
      if (d.how == partition::output_channel || d.how == partition::input_channel)
        CHECK(keeps_all_channels(e.ops[i], d));
      else
        CHECK(d == was);
      for (const std::size_t input : e.ops[i].inputs)
        if (follows(e.ops[i], was, start.decisions[input]))
          CHECK(follows(e.ops[i], d, made.decisions[input]));
    }
  });
  CHECK(changed > 500);
  CHECK(fitting > 50);
}
