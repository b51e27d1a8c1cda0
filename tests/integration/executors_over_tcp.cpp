// SPDX-License-Identifier: MIT
// The executors of a few deployments over real TCP connections on loopback: the same bits as in one process.

#include "../catch.hpp"
#include "../support/odd_networks.hpp"
#include "../support/reference_network.hpp"
#include "../support/trial.hpp"

#include <iop/comm/tcp.hpp>

using namespace iop_test;

namespace {

template <class Deployment>
outcome run_over_tcp(const random_weights& weights, std::span<const float> image, std::size_t runs) {
  constexpr std::size_t ranks = Deployment::plan.ranks();
  std::vector<iop::comm::tcp_listener> listeners(ranks);
  std::vector<iop::comm::endpoint> endpoints;
  for (auto& each : listeners) {
    REQUIRE_FALSE(each.open({"127.0.0.1", 0}));
    endpoints.push_back({"127.0.0.1", each.port()});
  }
  return run_all<Deployment>(weights, image, runs, [&](std::size_t rank) {
    auto mesh = std::make_unique<iop::comm::tcp_mesh>();
    (void)mesh->connect(std::move(listeners[rank]), rank, endpoints, iop::deploy::identity_of<Deployment>());
    return mesh;  // what failed shows in the first exchange
  });
}

template <class Network, iop::policy Policy, std::size_t Ranks>
void check() {
  using deployment = trial<Network, Policy, Ranks>;
  INFO("policy " << iop::name_of(Policy) << " on " << Ranks << " devices");
  constexpr std::size_t runs = 5;
  const random_weights weights;
  const std::vector<float> image = random_values(Network::spec.ops[0].out.size(), 2);
  const outcome alone = run_in_process<deployment>(weights, image);
  const outcome got = run_over_tcp<deployment>(weights, image, runs);
  REQUIRE(got.problem == "");
  REQUIRE(got.scores.size() == runs);
  for (const auto& scores : got.scores) CHECK(scores == alone.scores[0]);
  CHECK(relative_difference(got.scores[0], reference_scores<Network>(weights, image)) <= 1e-5);
  std::size_t bytes = 0;
  for (const auto& each : got.traffic) bytes += each.bytes_sent;
  CHECK(bytes ==
        runs * iop::planner::predict(Network::spec.list(), deployment::cluster, deployment::plan).bytes);
}

}  // namespace

TEST_CASE("every policy computes over TCP what it computes in one process") {
  check<tiny_lenet, iop::policy::single_device, 2>();
  check<tiny_lenet, iop::policy::output_channel, 3>();
  check<overlapping_pools, iop::policy::coedge, 3>();
  check<overlapping_pools, iop::policy::coedge_oc, 4>();
  check<depthwise, iop::policy::interleaved, 3>();
  check<deep, iop::policy::interleaved, 5>();
}
