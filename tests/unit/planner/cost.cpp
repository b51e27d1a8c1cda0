// SPDX-License-Identifier: MIT
// Predictions recomputed by hand.
#include <iop/planner/cost.hpp>

#include "catch.hpp"
#include "plans.hpp"

using namespace iop;
using namespace iop::planner;
using namespace iop::literals;
using namespace planner_test;

namespace {

struct one_convolution
    : model::network<model::input<2, 4, 4>, model::conv2d<3, model::kernel<3>, model::pad<1>>, model::relu,
                     model::max_pool<2>> {};

constexpr double multiply_add_count = 3 * 2 * 9 * 16;                   // 864
constexpr double byte_total = 4.0 * (3 * 2 * 9 + 3 + 2 * 16 + 3 * 16);  // weights, biases, input, output: 548

fixed_vector<message, 8> messages(std::initializer_list<message> all) {
  fixed_vector<message, 8> list;
  for (const message& m : all) list.push_back(m);
  return list;
}

constexpr box kilobyte{{0, 5}, {0, 5}};  // of 10 wide: 250 floats

}  // namespace

TEST_CASE("one convolution on a roofline", "[planner]") {
  const op_list ops = one_convolution::spec.list();
  const auto seconds = [&](compute_rate f, byte_rate w) {
    const cluster c{device{"only", f, w, 1_GiB}, iop::link{1_Gbitps, 1_ms}};
    return predict(ops, c, iop::planner::make_plan<4>(ops, c, policy::single_device));
  };
  CHECK(seconds(1_MFLOPs, 1_GBps).makespan_seconds ==
        Approx(2 * multiply_add_count / 1e6));  // the pool is free
  CHECK(seconds(1_GFLOPs, 1_MBps).makespan_seconds == Approx(byte_total / 1e6));
  CHECK(seconds(1_GFLOPs, 1_MBps).exchange_seconds == 0);
}

TEST_CASE("a vector that is filled in part takes as long as a full one", "[planner]") {
  const op& o = one_convolution::spec.list()[1];
  const auto seconds = [&](const op& of, std::size_t step, std::size_t channels) {
    const device d{"d", 1_MFLOPs, 1_GBps, 1_GiB, step};
    return seconds_on(d, of, work_of(d, of, whole(of.in), {{0, 4}, {0, channels}}));
  };
  const double per_channel = 2 * multiply_add_count / 3 / 1e6;
  for (const std::size_t channels : {1u, 2u, 3u}) CHECK(seconds(o, 4, channels) == Approx(4 * per_channel));
  CHECK(seconds(o, 2, 2) == Approx(2 * per_channel));
  CHECK(seconds(o, 2, 3) == Approx(4 * per_channel));
  op planar = o;  // vectors of pixels
  planar.in.channels = 1;
  CHECK(seconds(planar, 4, 3) == Approx(seconds(planar, 1, 3)));
}

TEST_CASE("a device that skips padding takes no time for it, where its direct kernels work", "[planner]") {
  op o = one_convolution::spec.list()[1];
  device d{"d", 1_MFLOPs, 1_GBps, 1_GiB};
  const auto flops = [&](range rows, bool by_winograd = false) {
    const box out{rows, {0, 3}};
    return work_of(d, o, needed_input(o, out), out, by_winograd).flops;
  };
  CHECK(flops({0, 4}) == 2 * multiply_add_count);
  d.skips_padding = true;
  CHECK(flops({0, 4}) == 2 * multiply_add_count);  // of few channels: its vectors run over the padding
  o.in.channels = 6;
  const double per_tap = 2 * 3 * 6;
  CHECK(flops({0, 4}) == per_tap * 10 * 10);  // of 12 × 12 taps: one of three at each end of each line
  CHECK(flops({0, 1}) == per_tap * 2 * 10);
  CHECK(flops({1, 3}) == per_tap * 6 * 10);
  CHECK(flops({2, 4}) == per_tap * 5 * 10);
  o.groups = 3;
  CHECK(flops({0, 4}) == per_tap * 10 * 10 / 3);
  o.groups = 6, o.out.channels = 6;  // depthwise
  CHECK(flops({0, 4}) == per_tap * 12 * 12 / 6);
}

TEST_CASE("Winograd's algorithm takes whole tiles", "[planner]") {
  op o = one_convolution::spec.list()[1];
  o.in = {8, 9, 9}, o.out = {3, 9, 9};
  const device d{"d", 1_MFLOPs, 1_GBps, 1_GiB};
  const auto flops = [&](std::size_t rows) {
    const box out{{0, rows}, {0, 3}};
    return work_of(d, o, needed_input(o, out), out, true).flops;
  };
  const double per_tile = 2 * 3 * 8 * 9 * 16;
  CHECK(flops(4) == 3 * per_tile);
  CHECK(flops(5) == 6 * per_tile);
  CHECK(flops(8) == 6 * per_tile);
  CHECK(flops(9) == 9 * per_tile);
}

TEST_CASE("one convolution on two devices: scatter, the slower one's time, gather", "[planner]") {
  const op_list ops = one_convolution::spec.list();
  const cluster c{device{"fast", 2_MFLOPs, 1_GBps, 1_GiB}, device{"slow", 1_MFLOPs, 1_GBps, 1_GiB},
                  iop::link{1_MBps, 1_ms}};
  const prediction p = predict(ops, c, iop::planner::make_plan<4>(ops, c, policy::output_channel));
  // Channels 2 and 1: the same time on both. The pooled channel is 2 × 2.
  CHECK(p.compute_seconds == Approx(2 * multiply_add_count / 3 / 1e6));
  CHECK(p.exchange_seconds == Approx(1e-3 + 4 * 32 / 1e6 + 1e-3 + 4 * 4 / 1e6));
  CHECK(p.messages == 2);
  CHECK(p.exchanges == 2);
  CHECK(p.bytes == 4 * 32 + 4 * 4);
  CHECK(p.makespan_seconds == Approx(p.compute_seconds + p.exchange_seconds));
}

TEST_CASE("an exchange takes the busiest rank's messages and bytes", "[planner]") {
  const device d{"d", 1_GFLOPs, 1_GBps, 1_GiB};
  const cluster c{d, d, d, iop::link{1_MBps, 2_ms}};
  // Rank 0 sends two and receives one: the larger count and the larger bytes, 1 ms each kilobyte.
  CHECK(seconds_of(c, messages({{0, 1, kilobyte}, {0, 2, kilobyte}, {1, 0, kilobyte}}), 10) ==
        Approx(2 * 2e-3 + 2e-3));
  CHECK(seconds_of(c, messages({{0, 1, kilobyte}, {1, 2, kilobyte}, {2, 0, kilobyte}}), 10) ==
        Approx(2e-3 + 1e-3));
  CHECK(seconds_of(c, messages({}), 10) == 0);
}

TEST_CASE("unlike links: sums over the rank's messages, each on its own link", "[planner]") {
  const device d{"d", 1_GFLOPs, 1_GBps, 1_GiB};
  const auto c = cluster{d, d, d, iop::link{1_MBps, 2_ms}}.with_link(0, 2, {100_MBps, 30_ms});
  CHECK(seconds_of(c, messages({{0, 1, kilobyte}, {0, 2, kilobyte}}), 10) ==
        Approx(2e-3 + 30e-3 + 1e-3 + 1e-5));
  CHECK(seconds_of(c, messages({{0, 1, kilobyte}, {2, 1, kilobyte}}), 10) == Approx(2 * 2e-3 + 2e-3));
}

TEST_CASE("on a shared medium all bytes queue", "[planner]") {
  const device d{"d", 1_GFLOPs, 1_GBps, 1_GiB};
  const cluster c{d, d, d, iop::link{1_MBps, 2_ms, true}};
  CHECK(seconds_of(c, messages({{0, 1, kilobyte}, {1, 2, kilobyte}, {2, 0, kilobyte}}), 10) ==
        Approx(2e-3 + 3e-3));
  CHECK(seconds_of(c, messages({}), 10) == 0);
}

TEST_CASE("a prediction's traffic is that of its schedule", "[planner]") {
  for_each_plan([](const example& e, const auto& c, const auto& p) {
    const auto all = spell_out(e.ops, p);
    std::size_t count = 0, bytes = 0;
    for (const step& s : all.steps) {
      if (!s.is_exchange) continue;
      for (const message& m : messages_between(all.source(s), all.result(s)))
        ++count, bytes += sizeof(float) * element_count(m.piece, e.ops[s.tensor].out.width);
    }
    const prediction got = predict(e.ops, c, p);
    INFO(e.name << " under " << name_of(p.strategy) << " on " << c.size());
    REQUIRE(got.messages == count);
    REQUIRE(got.bytes == bytes);
  });
}
