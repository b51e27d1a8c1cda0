// SPDX-License-Identifier: MIT
// On every network of the zoo, one to five devices and links of five kinds: no policy is predicted to be
// quicker than `optimal`, and its plan fits whenever the plan of any policy fits.
#include <iop/planner/policies.hpp>
#include <iop/zoo/alexnet.hpp>
#include <iop/zoo/lenet5.hpp>
#include <iop/zoo/mobilenet.hpp>
#include <iop/zoo/resnet.hpp>
#include <iop/zoo/squeezenet.hpp>
#include <iop/zoo/vgg.hpp>

#include <algorithm>
#include <iterator>
#include <string_view>

#include "catch.hpp"

using namespace iop;
using namespace iop::literals;
using namespace iop::planner;

namespace {

constexpr std::size_t most_operators = 80;

struct example {
  std::string_view name;
  op_list ops;
};

// As large as they are published, but for the ones that say otherwise.
const example networks[] = {{"lenet5", zoo::lenet5::spec.list()},
                            {"alexnet", zoo::alexnet::spec.list()},
                            {"alexnet_lrn", zoo::alexnet_lrn::spec.list()},
                            {"vgg11", zoo::vgg11::spec.list()},
                            {"vgg13 of 64", zoo::basic_vgg13<64>::spec.list()},
                            {"vgg16", zoo::vgg16::spec.list()},
                            {"vgg19 of 64", zoo::basic_vgg19<64>::spec.list()},
                            {"mobilenet_v1 of 96", zoo::basic_mobilenet_v1<96>::spec.list()},
                            {"mobilenet_v2 of 96", zoo::basic_mobilenet_v2<96>::spec.list()},
                            {"squeezenet1_1 of 96", zoo::basic_squeezenet1_1<96>::spec.list()},
                            {"resnet18 of 96", zoo::basic_resnet18<96>::spec.list()},
                            {"resnet50 of 96", zoo::basic_resnet50<96>::spec.list()}};

struct network_link {
  std::string_view name;
  iop::link joins;
};

const network_link links[] = {{"100 Mbit/s, 0.5 ms", {100_Mbitps, 500_us}},
                              {"100 Mbit/s, 2 ms", {100_Mbitps, 2_ms}},
                              {"100 Mbit/s, 8 ms", {100_Mbitps, 8_ms}},
                              {"1 Gbit/s, 0.2 ms", {1_Gbitps, 200_us}},
                              {"100 Mbit/s shared, 2 ms", {100_Mbitps, 2_ms, true}}};

template <std::size_t Ranks>
cluster<Ranks> devices_of(bool equal, const iop::link& joint) {
  const device kinds[] = {{"board", 10_GFLOPs, 3_GBps, 8_GiB},
                          {"camera", 2_GFLOPs, 1_GBps, 8_GiB},
                          {"hub", 20_GFLOPs, 6_GBps, 8_GiB},
                          {"phone", 7_GFLOPs, 5_GBps, 8_GiB, 4},
                          {"sensor", 500_MFLOPs, 400_MBps, 8_GiB}};
  cluster<Ranks> c;
  for (std::size_t r = 0; r < Ranks; ++r) c.devices.push_back(kinds[equal ? 0 : r]);
  c.connect_all(joint);
  return c;
}

template <std::size_t Ranks>
void compare(const example& e, const cluster<Ranks>& c) {
  const auto best = make_plan<most_operators>(e.ops, c, policy::optimal);
  const double seconds = predict(e.ops, c, best).makespan_seconds;
  const std::size_t lacking = missing_bytes(e.ops, c, best);
  for (const policy other : all_policies) {
    if (other == policy::optimal) break;
    const auto p = make_plan<most_operators>(e.ops, c, other);
    const std::size_t missing = missing_bytes(e.ops, c, p);
    INFO(name_of(other));
    CHECK(lacking <= missing);
    if (missing == 0) CHECK(seconds <= (1 + 1e-9) * predict(e.ops, c, p).makespan_seconds);
  }
}

/// With all memory, and with 60 % of what one device needs.
template <std::size_t Ranks>
void compare(const example& e, bool equal, const network_link& joint) {
  auto c = devices_of<Ranks>(equal, joint.joins);
  const auto alone = make_plan<most_operators>(e.ops, c, policy::single_device);
  std::size_t bytes = 0;
  for (std::size_t r = 0; r < Ranks; ++r) bytes = std::max(bytes, footprint_of(e.ops, alone, r).bytes());
  INFO(e.name << " on " << Ranks << (equal ? " equal" : " unlike") << " devices, " << joint.name);
  compare(e, c);
  INFO("with 60 % of the memory that one needs");
  for (device& d : c.devices) d.memory.bytes = bytes * 6 / 10;
  compare(e, c);
}

template <std::size_t Ranks>
void compare_all() {
  for (const example& e : networks)
    for (const bool equal : {true, false})
      for (const network_link& joint : links) compare<Ranks>(e, equal, joint);
}

/// Each network with one kind of link, another one for equal and for unlike devices.
template <std::size_t Ranks>
void compare_some() {
  std::size_t next = Ranks;
  for (const example& e : networks)
    for (const bool equal : {true, false}) compare<Ranks>(e, equal, links[next++ % std::size(links)]);
}

}  // namespace

TEST_CASE("optimal on one to three devices", "[planner]") {
  compare_all<1>();
  compare_all<2>();
  compare_all<3>();
}

TEST_CASE("optimal on devices that suit unlike operators", "[planner]") {
  const cluster<2> computing{device{"a", 10_GFLOPs, 10_GBps, 1_GiB}, device{"b", 70_GFLOPs, 8_GBps, 1_GiB},
                             iop::link{16_Gbitps, duration{0}}};
  const cluster<2> reading{device{"a", 90_GFLOPs, 800_MBps, 1_GiB}, device{"b", 2_GFLOPs, 10_GBps, 1_GiB},
                           iop::link{3200_Mbitps, duration{0}}};
  const example whole{"mobilenet_v2", zoo::mobilenet_v2::spec.list()};
  compare(whole, computing);
  compare(whole, reading);
}

TEST_CASE("optimal on four and five devices, some links", "[planner]") {
  compare_some<4>();
  compare_some<5>();
}

TEST_CASE("optimal on four and five devices, all links", "[.][minutes]") {
  compare_all<4>();
  compare_all<5>();
}
