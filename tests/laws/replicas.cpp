// SPDX-License-Identifier: MIT
// Every replica of a sum has the same bits: the same pair of layers, with the result asked of one rank after
// the other and summed in each of the ways.

#include "../catch.hpp"
#include "../support/trial.hpp"

using namespace iop_test;

namespace {

using namespace iop::model;
struct pair
    : network<input<7, 5, 3>, conv2d<31, kernel<3>, pad<1>>, relu, conv2d<17, kernel<3>, pad<1>>, relu> {};

template <iop::route How, std::size_t Output>
struct summed_at {
  using network = pair;
  static constexpr auto cluster = unlike_cluster<4>();
  static constexpr auto plan = [] {
    auto made =
        iop::make_plan<network>(cluster, iop::policy::interleaved, {.input_rank = 0, .output_rank = Output});
    constexpr iop::range shares[] = {{0, 9}, {9, 20}, {20, 20}, {20, 31}};
    made.decisions[1] = {iop::partition::output_channel, iop::route::direct, {}};
    made.decisions[2] = {iop::partition::input_channel, iop::route::direct, {}};
    made.deliver = How;
    for (std::size_t r = 0; r < 4; ++r) made.decisions[1].shares[r] = made.decisions[2].shares[r] = shares[r];
    return made;
  }();
};

template <iop::route How>
std::vector<std::vector<float>> all_replicas() {
  const random_weights weights;
  const std::vector<float> image = random_values(pair::spec.ops[0].out.size(), 3);
  const auto at = [&](const outcome& got) {
    REQUIRE(got.problem == "");
    return got.scores.at(0);
  };
  return {at(run_in_process<summed_at<How, 0>>(weights, image)),
          at(run_in_process<summed_at<How, 1>>(weights, image)),
          at(run_in_process<summed_at<How, 2>>(weights, image)),
          at(run_in_process<summed_at<How, 3>>(weights, image))};
}

}  // namespace

TEST_CASE("replicas of a sum are equal to the last bit, wherever and however it is summed") {
  const auto direct = all_replicas<iop::route::direct>();
  for (const auto& each : direct) CHECK(each == direct[0]);
  for (const auto& each : all_replicas<iop::route::scatter_gather>()) CHECK(each == direct[0]);
  for (const auto& each : all_replicas<iop::route::via_root>()) CHECK(each == direct[0]);
}
