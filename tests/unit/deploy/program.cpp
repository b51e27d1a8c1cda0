// SPDX-License-Identifier: MIT
// One rank's program: its own steps and nothing else, and both ends of every message alike.
#include <iop/deploy/program.hpp>

#include <map>
#include <tuple>
#include <vector>

#include "catch.hpp"
#include "support/published_networks.hpp"

using namespace iop::literals;
using iop::policy;
using iop::deploy::program_of;
using iop_test::lenet5;

namespace {

constexpr iop::device fast{"fast", 10_GFLOPs, 3_GBps, 1_GiB}, idle{"idle", 1_MFLOPs, 1_MBps, 1_GiB};

template <policy Policy>
struct with_idle {
  using network = lenet5;
  static constexpr iop::cluster cluster{fast, idle, fast, iop::link{100_Mbitps, 1_ms}};
  static constexpr auto plan = iop::planned<network, cluster, Policy, iop::endpoints{0, 2}>;
};

template <class Program>
std::size_t compute_steps(const Program& p) {
  std::size_t count = 0;
  for (const auto& s : p.steps) count += !s.is_exchange;
  return count;
}

template <class D, class Visit>
void for_each_program(Visit visit) {
  visit(program_of<D, 0>, 0);
  visit(program_of<D, 1>, 1);
  visit(program_of<D, 2>, 2);
}

template <class D>
void check_messages() {
  // (step, from, to) to the floats announced by sender and receiver, in order.
  std::map<std::tuple<std::size_t, std::size_t, std::size_t>,
           std::pair<std::vector<std::size_t>, std::vector<std::size_t>>>
      messages;
  std::size_t count = 0;
  for_each_program<D>([&](const auto& p, std::size_t rank) {
    for (const auto& s : p.steps) {
      if (!s.is_exchange) continue;
      for (const auto& e : s.exchange.sends) {
        messages[{s.number, rank, e.peer}].first.push_back(e.count), ++count;
        CHECK(e.offset + e.count <= p.arena_floats);
      }
      for (const auto& e : s.exchange.receives) {
        messages[{s.number, e.peer, rank}].second.push_back(e.count);
        CHECK(e.offset + e.count <= p.arena_floats);
      }
    }
  });
  for (const auto& [key, ends] : messages) {
    INFO("step " << std::get<0>(key) << " from " << std::get<1>(key) << " to " << std::get<2>(key));
    CHECK(ends.first == ends.second);
  }
  CHECK(count == iop::planner::predict(lenet5::spec.list(), D::cluster, D::plan).messages);
}

}  // namespace

TEST_CASE("a rank without a share computes nothing and holds no weights", "[deploy]") {
  using single = with_idle<policy::single_device>;
  CHECK(compute_steps(program_of<single, 1>) == 0);
  CHECK(program_of<single, 1>.weight_floats == 0);
  CHECK(program_of<single, 1>.steps.empty());
  CHECK(program_of<single, 1>.arena_floats == 0);
  CHECK(compute_steps(program_of<single, 0>) + compute_steps(program_of<single, 2>) ==
        lenet5::spec.size() - 1);

  using channels = with_idle<policy::output_channel>;
  for (std::size_t i = 1; i < lenet5::spec.size(); ++i)
    REQUIRE(channels::plan.decisions[i].shares[1].empty());
  CHECK(compute_steps(program_of<channels, 1>) == 0);
  CHECK(program_of<channels, 1>.weight_floats == 0);
  CHECK(compute_steps(program_of<channels, 0>) == lenet5::spec.size() - 1);
}

TEST_CASE("the input is where it starts, the result where it is wanted", "[deploy]") {
  using d = with_idle<policy::coedge_oc>;
  CHECK(program_of<d, 0>.input_count == 28 * 28);
  CHECK(program_of<d, 1>.input_count == 0);
  CHECK(program_of<d, 2>.input_count == 0);
  CHECK(program_of<d, 0>.output_count == 0);
  CHECK(program_of<d, 2>.output_count == 10);
}

TEST_CASE("steps are numbered upwards, alike on all ranks, and stay inside arena and weights", "[deploy]") {
  for_each_program<with_idle<policy::interleaved>>([](const auto& p, std::size_t rank) {
    std::size_t last = 0;
    for (const auto& s : p.steps) {
      INFO("rank " << rank << " step " << s.number);
      CHECK(s.number > last);
      last = s.number;
      if (s.is_exchange) continue;
      const auto& g = s.compute.geometry;
      CHECK(s.compute.out + g.out.height * g.out.width * g.out.channels <= p.arena_floats);
      CHECK(s.compute.in + (g.in.height * g.in.width - 1) * g.in.pixel_stride + g.in.channels <=
            p.arena_floats);
      CHECK(s.compute.weights <= p.weight_floats);
    }
  });
}

TEST_CASE("what one rank sends another receives in the same step, in the same order", "[deploy]") {
  check_messages<with_idle<policy::single_device>>();
  check_messages<with_idle<policy::output_channel>>();
  check_messages<with_idle<policy::coedge>>();
  check_messages<with_idle<policy::coedge_oc>>();
  check_messages<with_idle<policy::interleaved>>();
}
