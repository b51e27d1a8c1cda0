// SPDX-License-Identifier: MIT
#include <iop/deploy/deployment.hpp>

#include <cmath>
#include <limits>
#include <string>
#include <utility>

#include "catch.hpp"
#include "support/published_networks.hpp"

using namespace iop::literals;
using iop::policy;
using iop::deploy::problem_of;
using iop_test::lenet5;

namespace {

constexpr iop::link cable{100_Mbitps, 1_ms};
constexpr iop::device a{"a", 1_GFLOPs, 1_GBps, 1_GiB}, b{"b", 2_GFLOPs, 1_GBps, 1_GiB};
constexpr iop::cluster pair{a, b, cable};

template <std::size_t Ranks>
std::string problem(const iop::cluster<Ranks>& c, iop::endpoints ends = {}) {
  return std::string(problem_of(c, ends).view());
}

template <class Network, policy Policy, std::size_t Output = 0>
struct plain {
  using network = Network;
  static constexpr iop::cluster cluster = pair;
  static constexpr auto plan = iop::planned<network, cluster, Policy, iop::endpoints{0, Output}>;
};

struct wider : iop::model::network<iop::model::input<1, 28, 28>, iop::model::conv2d<7>> {};
struct deeper
    : iop::model::network<iop::model::input<1, 28, 28>, iop::model::conv2d<7>, iop::model::conv2d<7>> {};

struct of_another_network {
  using network = deeper;
  static constexpr iop::cluster cluster = pair;
  static constexpr auto plan = iop::make_plan<wider>(cluster, policy::output_channel);
};

}  // namespace

TEST_CASE("what is wrong with a cluster", "[deploy]") {
  CHECK(problem(pair).empty());
  CHECK(problem(iop::cluster<2>{}) == "the cluster has no device: give it at least one.");
  CHECK(problem(iop::cluster{a, iop::device{"b", {}, 1_GBps, 1_GiB}, cable}) ==
        "device 'b' (rank 1) has no speed: give it a compute rate and a memory bandwidth above 0.");
  CHECK(problem(iop::cluster{iop::device{"a", 1_GFLOPs, {}, 1_GiB}, b, cable}) ==
        "device 'a' (rank 0) has no speed: give it a compute rate and a memory bandwidth above 0.");
  CHECK(problem(pair.with_link(0, 1, {})) ==
        "device 'a' (rank 0) has no link to device 'b' (rank 1): give the link a bandwidth above 0.");
  CHECK(problem(iop::cluster{a, iop::link{}}).empty());  // nobody to talk to

  const double infinite = std::numeric_limits<double>::infinity(), nan = std::nan("");
  const auto of = [](const std::string& field) {
    return "device 'a' (rank 0) has a " + field + " that no device has: it is 1 to 1e30 per second.";
  };
  for (const double rate : {-1.0, 0.5, 5e-324, infinite, nan}) {
    INFO("a rate of " << rate);
    iop::device each = a;
    each.winograd.flops_per_second = rate;
    CHECK(problem(iop::cluster{each, b, cable}) == of("Winograd rate"));
    each = a, each.depthwise.flops_per_second = rate;
    CHECK(problem(iop::cluster{each, b, cable}) == of("depthwise rate"));
    each = a, each.narrow.flops_per_second = rate;
    CHECK(problem(iop::cluster{each, b, cable}) == of("narrow rate"));
    each = a, each.compute.flops_per_second = rate;
    CHECK_FALSE(problem(iop::cluster{each, b, cable}).empty());
  }
  iop::device stepless = a;
  stepless.channel_step = 0;
  CHECK(problem(iop::cluster{stepless, b, cable}) ==
        "device 'a' (rank 0) has a channel_step that no device has: it is 1 to 65536.");
  for (const double message : {-1.0, 1e10, infinite, nan})
    CHECK(problem(iop::cluster{a, b, iop::link{100_Mbitps, {message}}}) ==
          "the link from rank 0 to rank 1 is like no link: a bandwidth is 1 to 1e30 bytes/s, a message takes "
          "0 to 1e9 s.");
  iop::cluster<3> unfilled;
  unfilled.devices.push_back(a);
  unfilled.connect_all(cable);
  CHECK(iop::deploy::problem_of_all(unfilled, {}).view() ==
        "the cluster has 1 devices and room for 3: make it a cluster<1>.");
}

TEST_CASE("ends out of range", "[deploy]") {
  const std::string expected = ", but the cluster has 2 devices: name ranks below 2.";
  CHECK(problem(pair, {2, 0}) == "the input starts on rank 2 and the result ends on rank 0" + expected);
  CHECK(problem(pair, {0, 7}) == "the input starts on rank 0 and the result ends on rank 7" + expected);
  CHECK(problem(pair, {1, 1}).empty());
}

TEST_CASE("too little memory, to the byte", "[deploy]") {
  const auto ops = lenet5::spec.list();
  constexpr std::size_t size = lenet5::spec.size();
  auto c = pair;
  const auto p = iop::planner::make_plan<size>(ops, c, policy::output_channel);
  const auto f = iop::planner::footprint_of(ops, p, 1);
  c.devices[1].memory.bytes = f.bytes();
  CHECK(iop::deploy::memory_problem_of(ops, c, p).empty());
  c.devices[1].memory.bytes = f.bytes() - 3;
  const auto number = [](std::size_t n) { return std::to_string(n); };
  CHECK(iop::deploy::memory_problem_of(ops, c, p).view() ==
        "device 'b' (rank 1) needs " + number(f.bytes()) + " bytes under policy output_channel (weights " +
            number(f.weight_bytes) + ", arena " + number(f.arena_bytes) + ") but has " +
            number(f.bytes() - 3) + ": 3 bytes too few; choose another policy, more devices or memory.");
  c.devices[0].memory.bytes = iop::planner::footprint_of(ops, p, 0).bytes() - 1;
  CHECK_THAT(
      std::string(iop::deploy::memory_problem_of(ops, c, p).view()),
      Catch::Contains("device 'b'") && Catch::Contains(": 3 bytes too few, all devices lack 4; choose"));
}

TEST_CASE("a plan made for something else", "[deploy]") {
  CHECK(problem_of<of_another_network>().view() ==
        "the plan is for 2 operators on 2 devices, the deployment has 3 on 2: make the plan from this "
        "network and this "
        "cluster.");
  CHECK(problem_of<plain<lenet5, policy::interleaved>>().empty());
}

TEST_CASE("cuts that are not of this network", "[deploy]") {
  const auto ops = lenet5::spec.list();
  constexpr std::size_t size = lenet5::spec.size();
  std::size_t tried = 0;
  for (const policy strategy : iop::all_policies) {
    INFO(name_of(strategy));
    const auto made = iop::planner::make_plan<size>(ops, pair, strategy);
    REQUIRE(iop::deploy::cut_problem_of(ops, made).empty());
    for (std::size_t i = 0; i < size; ++i)
      for (std::size_t r = 0; r < 2; ++r) {
        if (made.decisions[i].shares[r].empty()) continue;
        INFO("operator " << i << ", rank " << r);
        const auto refused = [&](auto change) {
          auto p = made;
          change(p.decisions[i]);
          ++tried;
          return !iop::deploy::cut_problem_of(ops, p).empty();
        };
        CHECK(refused([r](auto& d) { d.shares[r].end += 1000; }));
        CHECK(refused([r](auto& d) { std::swap(d.shares[r].begin, d.shares[r].end); }));
        CHECK(refused([](auto& d) { d.how = iop::partition::input_channel, d.shares[0].end += 1; }));
        // Of rows, some may be nobody's.
        if (made.decisions[i].how != iop::partition::spatial)
          CHECK(refused([r](auto& d) { d.shares[r].end -= 1, d.shares[1 - r].begin += 1; }));
        if (!iop::has_winograd(ops[i])) CHECK(refused([](auto& d) { d.winograd = 1; }));
      }
  }
  CHECK(tried > 200);
}

TEST_CASE("identities differ where networks, plans or ends do", "[deploy]") {
  const auto same = iop::deploy::identity_of<plain<lenet5, policy::coedge>>();
  CHECK(same == iop::deploy::identity_of<plain<lenet5, policy::coedge>>());
  CHECK(same.ranks == 2);

  const auto other_policy = iop::deploy::identity_of<plain<lenet5, policy::output_channel>>();
  CHECK(other_policy.plan_digest != same.plan_digest);
  CHECK(other_policy.network_digest == same.network_digest);
  CHECK(iop::deploy::identity_of<plain<lenet5, policy::coedge, 1>>().plan_digest != same.plan_digest);
  CHECK(iop::deploy::identity_of<plain<wider, policy::coedge>>().network_digest != same.network_digest);
}

TEST_CASE("any number that describes an operator changes its digest", "[deploy]") {
  const iop::op before = lenet5::spec.ops[1];
  const auto digest = [](const iop::op& o) { return iop::digest_of(iop::op_list(&o, 1)); };
  const auto changes = [&](auto change) {
    iop::op after = before;
    change(after);
    return !(digest(after) == digest(before));
  };
  CHECK(changes([](iop::op& o) { o.what = iop::kind::max_pool; }));
  CHECK(changes([](iop::op& o) { o.act = iop::activation::none; }));
  CHECK(changes([](iop::op& o) { o.inputs.push_back(3); }));
  CHECK(changes([](iop::op& o) { o.groups = 2; }));
  CHECK(changes([](iop::op& o) { o.bias = false; }));
  CHECK(changes([](iop::op& o) { o.count_padding = false; }));
  CHECK(changes([](iop::op& o) { std::swap(o.in, o.out); }));
  for (std::size_t iop::window::*each :
       {&iop::window::kernel_height, &iop::window::kernel_width, &iop::window::stride_height,
        &iop::window::stride_width, &iop::window::dilation_height, &iop::window::dilation_width,
        &iop::window::pad_top, &iop::window::pad_bottom, &iop::window::pad_left, &iop::window::pad_right})
    CHECK(changes([each](iop::op& o) { o.win.*each += 1; }));
}
