// SPDX-License-Identifier: MIT
#include <iop/comm/alone.hpp>
#include <iop/exec/executor.hpp>

#include <memory>
#include <set>
#include <string>
#include <vector>

#include "catch.hpp"
#include "support/reference_network.hpp"
#include "support/trial.hpp"

using namespace iop::literals;
using iop::errc;
using iop::policy;
using iop_test::random_weights;

namespace {

struct small : iop::model::network<iop::model::input<2, 6, 6>, iop::model::conv2d<8, iop::model::kernel<3>>,
                                   iop::model::relu, iop::model::max_pool<2>, iop::model::flatten,
                                   iop::model::dense<12>, iop::model::relu, iop::model::dense<5>> {};

constexpr iop::device board{"board", 1_GFLOPs, 1_GBps, 1_GiB};

struct one {
  using network = small;
  static constexpr iop::cluster cluster{board, iop::link{}};
  static constexpr auto plan = iop::planned<network, cluster, policy::single_device>;
};

template <policy Policy>
struct three {
  using network = small;
  static constexpr iop::cluster cluster{board, board, board, iop::link{100_Mbitps, 1_ms}};
  static constexpr auto plan = iop::planned<network, cluster, Policy>;
};

/// Has everything but one tensor, and remembers what it was asked for.
struct without {
  std::string missing;
  random_weights all{};
  mutable std::vector<std::pair<std::string, std::vector<std::size_t>>> asked{};

  iop::result<std::span<const float>> tensor(std::string_view name,
                                             std::span<const std::size_t> shape) const {
    asked.emplace_back(std::string(name), std::vector(shape.begin(), shape.end()));
    if (name == missing) return iop::make_error(errc::bad_tensor, "no tensor '", name, "'");
    return all.tensor(name, shape);
  }
};

const std::vector<float> image = iop_test::random_values(2 * 6 * 6, 3);

template <class D, std::size_t... Rank>
std::size_t sum_of_weight_bytes(std::index_sequence<Rank...>) {
  return (iop::executor<D, Rank>::weight_bytes() + ...);
}

}  // namespace

TEST_CASE("one device computes what the plain kernels do", "[exec]") {
  const random_weights weights;
  iop::comm::alone mesh;
  const auto me = std::make_unique<iop::executor<one, 0>>(weights, mesh);
  REQUIRE_FALSE(me->status());
  const auto scores = me->run(image);
  REQUIRE(scores);
  CHECK(iop_test::relative_difference(*scores, iop_test::reference_scores<small>(weights, image)) < 1e-5);
}

TEST_CASE("each tensor is asked for once, in the shape that PyTorch stores", "[exec]") {
  const without weights{"none"};
  iop::comm::alone mesh;
  const auto me = std::make_unique<iop::executor<one, 0>>(weights, mesh);
  using shapes = decltype(weights.asked);
  CHECK(weights.asked == shapes{{"conv1.weight", {8, 2, 3, 3}},
                                {"conv1.bias", {8}},
                                {"fc1.weight", {12, 8 * 2 * 2}},
                                {"fc1.bias", {12}},
                                {"fc2.weight", {5, 12}},
                                {"fc2.bias", {5}}});
}

TEST_CASE("a missing tensor is told by status and by every run", "[exec]") {
  for (const char* missing : {"conv1.weight", "conv1.bias", "fc2.weight", "fc2.bias"}) {
    const without weights{missing};
    iop::comm::alone mesh;
    const auto me = std::make_unique<iop::executor<one, 0>>(weights, mesh);
    REQUIRE(me->status());
    CHECK(me->status().code == errc::bad_tensor);
    CHECK(me->status().message.view() == "no tensor '" + std::string(missing) + "'");
    CHECK(weights.asked.back().first == missing);  // the first that does not fit ends it
    for (int run = 0; run < 2; ++run) {
      const auto scores = me->run(image);
      REQUIRE_FALSE(scores);
      CHECK(scores.error().message == me->status().message);
    }
  }
}

TEST_CASE("an image of the wrong size is refused, the next one is welcome", "[exec]") {
  const random_weights weights;
  iop::comm::alone mesh;
  const auto me = std::make_unique<iop::executor<one, 0>>(weights, mesh);
  for (const std::size_t size : {0u, 71u}) {
    const auto scores = me->run(std::span(image).first(size));
    REQUIRE_FALSE(scores);
    CHECK(scores.error().code == errc::bad_argument);
    CHECK(scores.error().message.view() ==
          "the network's input has 72 values, got " + std::to_string(size) + ".");
  }
  CHECK(me->run(image));
}

TEST_CASE("a transport of another rank or of other ranks is refused", "[exec]") {
  using deployment = three<policy::coedge>;
  const random_weights weights;
  iop::comm::in_process_hub hub(3, std::chrono::seconds(5)), small_hub(2, std::chrono::seconds(5));
  iop::comm::in_process_mesh other_rank(hub, 2), other_size(small_hub, 1), right(hub, 1);
  const auto message = [&](auto& mesh) {
    const auto me = std::make_unique<iop::executor<deployment, 1>>(weights, mesh);
    return std::string(me->status().message.view());
  };
  CHECK(message(other_rank) == "this executor is rank 1 of 3, its transport is rank 2 of 3.");
  CHECK(message(other_size) == "this executor is rank 1 of 3, its transport is rank 1 of 2.");
  CHECK(message(right).empty());
}

TEST_CASE("ranks load only their own slices", "[exec]") {
  constexpr std::size_t whole = iop::executor<one, 0>::weight_bytes();
  constexpr auto ranks = std::make_index_sequence<3>{};
  CHECK(sum_of_weight_bytes<three<policy::single_device>>(ranks) == whole);
  // Each tensor of each rank starts on a cache line, and behind the last a vector may be read.
  constexpr std::size_t slack = 3 * 64 * (2 * 3 + 1);
  CHECK(sum_of_weight_bytes<three<policy::output_channel>>(ranks) <= whole + slack);
  CHECK(sum_of_weight_bytes<three<policy::interleaved>>(ranks) <= whole + slack);
  CHECK(sum_of_weight_bytes<three<policy::output_channel>>(ranks) >=
        sizeof(float) * parameter_count(small::spec.list()));

  const without weights{"none"};
  iop::comm::in_process_hub hub(3, std::chrono::seconds(5));
  iop::comm::in_process_mesh mesh(hub, 2);
  const auto me = std::make_unique<iop::executor<three<policy::single_device>, 2>>(weights, mesh);
  CHECK(weights.asked.empty());
}

TEST_CASE("an executor is as large as its plan says", "[exec]") {
  const auto check = []<class D, std::size_t Rank>(D, std::integral_constant<std::size_t, Rank>) {
    using executor = iop::executor<D, Rank>;
    constexpr auto f = iop::planner::footprint_of(D::network::spec.list(), D::plan, Rank);
    CHECK(executor::weight_bytes() == f.weight_bytes);
    CHECK(executor::arena_bytes() == f.arena_bytes);
    CHECK(sizeof(executor) >= f.bytes());
    CHECK(sizeof(executor) <= f.bytes() + sizeof(iop::error) + 256);
  };
  const auto on_all = [&](auto d) {
    check(d, std::integral_constant<std::size_t, 0>{});
    check(d, std::integral_constant<std::size_t, 1>{});
    check(d, std::integral_constant<std::size_t, 2>{});
  };
  on_all(three<policy::output_channel>{});
  on_all(three<policy::coedge>{});
  on_all(three<policy::interleaved>{});
  on_all(three<policy::single_device>{});
}

TEST_CASE("a transport that fails ends the run, and the executor stays failed", "[exec]") {
  const random_weights weights;
  iop::comm::in_process_hub hub(3, std::chrono::milliseconds(50));  // where nobody else will come
  iop::comm::in_process_mesh mesh(hub, 1);
  const auto me = std::make_unique<iop::executor<three<policy::coedge>, 1>>(weights, mesh);
  REQUIRE_FALSE(me->status());
  const auto scores = me->run();
  REQUIRE_FALSE(scores);
  CHECK(scores.error().code == errc::time_out);
  CHECK(me->status().code == errc::time_out);
  CHECK_FALSE(me->run());
}
