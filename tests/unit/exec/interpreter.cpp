// SPDX-License-Identifier: MIT
#include <iop/exec/interpreter.hpp>
#include <iop/file/huge_pages.hpp>

#include <algorithm>
#include <chrono>
#include <memory>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "catch.hpp"
#include "support/odd_networks.hpp"
#include "support/trial.hpp"

namespace {

using namespace iop_test;

constexpr std::size_t capacity = 32, ranks = 3;  // one planner for all networks

/// That all of it is a number is the caller's business.
iop::file::huge_page_floats zeros(std::size_t count) {
  iop::file::huge_page_floats made(count);
  std::ranges::fill(made.all(), 0.0f);
  return made;
}

template <class Network>
iop::exec::network_view view_of() {
  return {Network::spec.list(), Network::spec.names, Network::spec.norm_names};
}

/// What the output rank gets, twice, of a plan that is made now.
template <class Network>
std::vector<std::vector<float>> interpret(const random_weights& weights, std::span<const float> image,
                                          iop::policy policy, iop::endpoints ends) {
  const auto network = view_of<Network>();
  const auto cluster = unlike_cluster<ranks>();
  const auto plan = iop::planner::make_plan<capacity>(network.ops, cluster, policy, ends);
  iop::comm::in_process_hub hub(ranks, std::chrono::seconds(20));
  std::vector<std::vector<float>> all;
  std::vector<std::thread> threads;
  for (std::size_t rank = 0; rank < ranks; ++rank)
    threads.emplace_back([&, rank] {
      const auto steps = std::make_unique<iop::deploy::program<capacity, ranks>>(
          iop::deploy::program_builder<capacity, ranks>(network.ops, plan, rank).build());
      iop::comm::in_process_mesh mesh(hub, rank);
      const auto own = zeros(steps->weight_floats), arena = zeros(steps->arena_floats);
      iop::exec::interpreter me(network, *steps, own.all(), arena.all(), weights, mesh);
      for (int i = 0; i < 2; ++i) {
        const auto scores = rank == ends.input_rank ? me.run(image) : me.run();
        if (scores && rank == ends.output_rank) all.emplace_back(scores->begin(), scores->end());
      }
    });
  for (std::thread& each : threads) each.join();
  return all;
}

std::set<iop::kind> kinds;

template <class Network, iop::policy Policy>
void check() {
  INFO("policy " << iop::name_of(Policy));
  using deployment = trial<Network, Policy, ranks>;
  for (const iop::op& each : Network::spec.ops) kinds.insert(each.what);
  const random_weights weights;
  const auto image = random_values(Network::spec.ops[0].out.size(), 2);
  const outcome compiled = run_in_process<deployment>(weights, image);
  REQUIRE(compiled.problem == "");
  const auto interpreted = interpret<Network>(weights, image, Policy, deployment::plan.ends);
  REQUIRE(interpreted.size() == 2);
  for (const auto& scores : interpreted) CHECK(scores == compiled.scores[0]);
}

}  // namespace

TEST_CASE("a plan made at run time computes the bits of the one that was compiled", "[exec]") {
  check<fire, iop::policy::optimal>();
  check<projected_residuals, iop::policy::interleaved>();
  check<response_norms, iop::policy::coedge>();
  check<every_activation, iop::policy::output_channel>();
  CHECK(kinds.size() == 10);  // every kind of operator was met
}

TEST_CASE("an interpreter says what it lacks", "[exec]") {
  const random_weights weights;
  const auto network = view_of<tiny_lenet>();
  const auto cluster = unlike_cluster<1>();
  const auto plan = iop::planner::make_plan<capacity>(network.ops, cluster, iop::policy::single_device, {});
  const auto steps = std::make_unique<iop::deploy::program<capacity, 1>>(
      iop::deploy::program_builder(network.ops, plan, 0).build());
  iop::comm::in_process_hub hub(1, std::chrono::seconds(1));
  iop::comm::in_process_mesh mesh(hub, 0);
  const auto own = zeros(steps->weight_floats), arena = zeros(steps->arena_floats);
  iop::exec::interpreter small(network, *steps, own.all(), arena.all().first(steps->arena_floats - 1),
                               weights, mesh);
  CHECK(small.status().code == iop::errc::bad_argument);
  CHECK_FALSE(small.run(random_values(28 * 28, 1)));
  iop::exec::interpreter me(network, *steps, own.all(), arena.all(), weights, mesh);
  REQUIRE_FALSE(me.status());
  CHECK(me.run(random_values(28 * 28 - 1, 1)).error().code == iop::errc::bad_argument);
  CHECK(me.run(random_values(28 * 28, 1)));
}
