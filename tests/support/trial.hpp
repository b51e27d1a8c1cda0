// SPDX-License-Identifier: MIT
#pragma once

// Runs one deployment with all its ranks as threads of the test and hands back what they computed.

#include "random_plan.hpp"
#include "random_weights.hpp"

#include <iop/comm/in_process.hpp>
#include <iop/iop.hpp>

#include <array>
#include <chrono>
#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace iop_test {

using namespace iop::literals;

/// Up to five devices of quite different speed, some with Winograd's algorithm; the third is so slow that it
/// often gets nothing.
template <std::size_t Ranks>
constexpr iop::cluster<Ranks> unlike_cluster() {
  constexpr iop::device devices[] = {{"camera", 2_GFLOPs, 1_GBps, 1_GiB, 1, 5_GFLOPs},
                                     {"hub", 10_GFLOPs, 3_GBps, 1_GiB, 1},
                                     {"sensor", 40_MFLOPs, 50_MBps, 1_GiB, 1},
                                     {"phone", 7_GFLOPs, 5_GBps, 1_GiB, 4, 16_GFLOPs, 2_GFLOPs, 3_GFLOPs},
                                     {"board", 5_GFLOPs, 2_GBps, 1_GiB, 1}};
  iop::cluster<Ranks> c;
  for (std::size_t r = 0; r < Ranks; ++r) c.devices.push_back(devices[r]);
  c.connect_all({100_Mbitps, 500_us, false});
  return c;
}

/// The input starts and the result ends on different ranks where there are several.
template <class Network, iop::policy Policy, std::size_t Ranks>
struct trial {
  using network = Network;
  static constexpr auto cluster = unlike_cluster<Ranks>();
  static constexpr iop::endpoints ends{.input_rank = Ranks > 1 ? 1 : 0, .output_rank = Ranks - 1};
  static constexpr auto plan = iop::planned<network, cluster, Policy, ends>;
};

/// By a random plan, another one for each network and number of devices.
template <class Network, std::size_t Ranks>
struct random_trial {
  using network = Network;
  static constexpr auto cluster = unlike_cluster<Ranks>();
  static constexpr auto plan = random_plan<network::spec.size(), Ranks>(
      network::spec.list(), iop::digest_of(network::spec.list()).value + Ranks);
};

struct outcome {
  std::vector<std::vector<float>> scores;   ///< one entry per run, of the output rank
  std::vector<iop::comm::traffic> traffic;  ///< per rank, of all runs
  std::string problem;                      ///< of the first rank that failed
};

template <class Deployment, class Weights, class MakeMesh>
outcome run_all(const Weights& weights, std::span<const float> image, std::size_t runs,
                MakeMesh&& make_mesh) {
  constexpr std::size_t ranks = Deployment::plan.ranks();
  outcome all;
  all.traffic.resize(ranks);
  std::vector<std::string> problems(ranks);
  const auto run_rank = [&]<std::size_t Rank>(std::integral_constant<std::size_t, Rank>) {
    auto mesh = make_mesh(Rank);
    const auto me = std::make_unique<iop::executor<Deployment, Rank>>(weights, *mesh);
    for (std::size_t i = 0; i < runs; ++i) {
      const auto scores = Rank == Deployment::plan.ends.input_rank ? me->run(image) : me->run();
      if (!scores) {
        problems[Rank] = scores.error().message.view();
        break;
      }
      if (Rank == Deployment::plan.ends.output_rank) all.scores.emplace_back(scores->begin(), scores->end());
    }
    all.traffic[Rank] = mesh->counters();
  };
  [&]<std::size_t... Rank>(std::index_sequence<Rank...>) {
    std::array<std::thread, ranks> threads{
        std::thread([&] { run_rank(std::integral_constant<std::size_t, Rank>{}); })...};
    for (std::thread& each : threads) each.join();
  }
  (std::make_index_sequence<ranks>{});
  for (const std::string& problem : problems)
    if (all.problem.empty()) all.problem = problem;
  return all;
}

template <class Deployment, class Weights>
outcome run_in_process(const Weights& weights, std::span<const float> image, std::size_t runs = 1) {
  iop::comm::in_process_hub hub(Deployment::plan.ranks(), std::chrono::seconds(20));
  return run_all<Deployment>(weights, image, runs, [&](std::size_t rank) {
    return std::make_unique<iop::comm::in_process_mesh>(hub, rank);
  });
}

/// Largest difference, as a share of the largest value of `expected`.
inline double relative_difference(std::span<const float> got, std::span<const float> expected) {
  if (got.size() != expected.size()) return 1e9;
  double largest = 1e-30, difference = 0;
  for (std::size_t i = 0; i < got.size(); ++i) {
    largest = std::max(largest, std::abs(static_cast<double>(expected[i])));
    const double apart = std::abs(static_cast<double>(got[i]) - static_cast<double>(expected[i]));
    difference = apart <= difference ? difference : apart;  // NaN counts as different
  }
  return difference / largest;
}

}  // namespace iop_test
