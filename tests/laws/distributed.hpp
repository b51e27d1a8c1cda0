// SPDX-License-Identifier: MIT
#pragma once

// The law of every plan: whatever the policy and however unlike the devices, cooperation computes what one
// device would, with exactly the traffic and the memory that the plan states.

#include "../catch.hpp"
#include "../support/odd_networks.hpp"
#include "../support/reference_network.hpp"
#include "../support/trial.hpp"

namespace iop_test {

template <class Deployment, std::size_t Rank>
void check_memory() {
  constexpr auto f = iop::planner::footprint_of(Deployment::network::spec.list(), Deployment::plan, Rank);
  CHECK(iop::executor<Deployment, Rank>::weight_bytes() == f.weight_bytes);
  CHECK(iop::executor<Deployment, Rank>::arena_bytes() == f.arena_bytes);
}

template <class Deployment>
void check_against(const random_weights& weights, std::span<const float> image,
                   const std::vector<float>& expected) {
  constexpr std::size_t runs = 2;
  constexpr auto ops = Deployment::network::spec.list();
  constexpr auto predicted = iop::planner::predict(ops, Deployment::cluster, Deployment::plan);
  INFO("policy " << iop::name_of(Deployment::plan.strategy) << " on " << Deployment::plan.ranks()
                 << " devices");
  [&]<std::size_t... Rank>(std::index_sequence<Rank...>) { (check_memory<Deployment, Rank>(), ...); }
  (std::make_index_sequence<Deployment::plan.ranks()>{});
  const outcome got = run_in_process<Deployment>(weights, image, runs);
  REQUIRE(got.problem == "");
  REQUIRE(got.scores.size() == runs);
  CHECK(relative_difference(got.scores[0], expected) <= 1e-5);
  CHECK(got.scores[0] == got.scores[1]);  // the same bits every time
  std::size_t messages = 0, bytes = 0;
  for (const iop::comm::traffic& each : got.traffic) messages += each.messages_sent, bytes += each.bytes_sent;
  CHECK(messages == runs * predicted.messages);
  CHECK(bytes == runs * predicted.bytes);
}

template <class Network, std::size_t Ranks>
void check_policies(const random_weights& weights, std::span<const float> image,
                    const std::vector<float>& expected) {
  [&]<std::size_t... I>(std::index_sequence<I...>) {
    (check_against<trial<Network, iop::all_policies[I], Ranks>>(weights, image, expected), ...);
  }
  (std::make_index_sequence<std::size(iop::all_policies)>{});
  INFO("by a random plan");
  check_against<random_trial<Network, Ranks>>(weights, image, expected);
}

/// Every policy, and a plan that no policy would make, on these numbers of unlike devices.
template <class Network, std::size_t... Ranks>
void check_on() {
  const random_weights weights;
  const std::vector<float> image = random_values(Network::spec.ops[0].out.size(), 1);
  const std::vector<float> expected = reference_scores<Network>(weights, image);
  (check_policies<Network, Ranks>(weights, image, expected), ...);
}

/// On 1 to 5 devices.
template <class Network>
void check_everywhere() {
  check_on<Network, 1, 2, 3, 4, 5>();
}

}  // namespace iop_test
