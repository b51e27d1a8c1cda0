// SPDX-License-Identifier: MIT
// batch_norm on its way into weights and biases.
#include <iop/comm/alone.hpp>
#include <iop/exec/executor.hpp>
#include <iop/exec/load.hpp>

#include <algorithm>
#include <cmath>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "catch.hpp"
#include "support/reference_network.hpp"
#include "support/trial.hpp"

using namespace iop::literals;

namespace {

using namespace iop::model;

/// More channels than scales are remembered at a time, by a depthwise convolution too.
struct normed : network<input<2, 6, 5>, conv2d<150, kernel<3>, pad<1>, no_bias>, batch_norm<>, relu,
                        conv2d<150, kernel<3>, groups<150>>, batch_norm<epsilon<1e-3>>, relu,
                        global_average_pool, flatten, dense<5>, batch_norm<>> {};

struct one {
  using network = normed;
  static constexpr iop::cluster cluster{iop::device{"board", 1_GFLOPs, 1_GBps, 1_GiB}, iop::link{}};
  static constexpr auto plan = iop::planned<network, cluster, iop::policy::single_device>;
};

struct recording {
  std::string missing{};
  iop_test::random_weights all{};
  mutable std::vector<std::pair<std::string, std::vector<std::size_t>>> asked{};

  iop::result<std::span<const float>> tensor(std::string_view name,
                                             std::span<const std::size_t> shape) const {
    asked.emplace_back(std::string(name), std::vector(shape.begin(), shape.end()));
    if (name == missing) return iop::make_error(iop::errc::bad_tensor, "no tensor '", name, "'");
    return all.tensor(name, shape);
  }
};

/// Makes what is released unusable.
struct forgetting {
  iop_test::random_weights all{};
  mutable std::size_t released = 0;

  iop::result<std::span<const float>> tensor(std::string_view name,
                                             std::span<const std::size_t> shape) const {
    return all.tensor(name, shape);
  }
  void release(std::span<const float> values) const {
    released += values.size();
    // They live in a vector that is not constant itself.
    std::fill_n(const_cast<float*>(values.data()), values.size(), NAN);
  }
};

/// One operator's tensors, written down.
struct given {
  std::map<std::string, std::vector<float>> all;

  iop::result<std::span<const float>> tensor(std::string_view name, std::span<const std::size_t>) const {
    return std::span<const float>(all.at(std::string(name)));
  }
};

}  // namespace

TEST_CASE("folded weights compute what convolution and batch_norm do one after the other", "[exec]") {
  const iop_test::random_weights weights;
  const std::vector<float> image = iop_test::random_values(2 * 6 * 5, 3);
  iop::comm::alone mesh;
  const auto me = std::make_unique<iop::executor<one, 0>>(weights, mesh);
  REQUIRE_FALSE(me->status());
  const auto scores = me->run(image);
  REQUIRE(scores);
  CHECK(iop_test::relative_difference(*scores, iop_test::reference_scores<normed>(weights, image)) < 2e-6);
}

TEST_CASE("the tensors of a batch_norm are asked for behind those of its operator", "[exec]") {
  const recording weights;
  iop::comm::alone mesh;
  const auto me = std::make_unique<iop::executor<one, 0>>(weights, mesh);
  using shapes = decltype(weights.asked);
  CHECK(weights.asked == shapes{{"conv1.weight", {150, 2, 3, 3}},
                                {"bn1.weight", {150}},
                                {"bn1.bias", {150}},
                                {"bn1.running_mean", {150}},
                                {"bn1.running_var", {150}},
                                {"conv2.weight", {150, 1, 3, 3}},
                                {"conv2.bias", {150}},
                                {"bn2.weight", {150}},
                                {"bn2.bias", {150}},
                                {"bn2.running_mean", {150}},
                                {"bn2.running_var", {150}},
                                {"fc1.weight", {5, 150}},
                                {"fc1.bias", {5}},
                                {"bn3.weight", {5}},
                                {"bn3.bias", {5}},
                                {"bn3.running_mean", {5}},
                                {"bn3.running_var", {5}}});
}

TEST_CASE("weights are released once, block by block, and not read again", "[exec]") {
  const forgetting weights;
  const iop_test::random_weights same;
  const std::vector<float> image = iop_test::random_values(2 * 6 * 5, 3);
  iop::comm::alone mesh;
  const auto me = std::make_unique<iop::executor<one, 0>>(weights, mesh),
             other = std::make_unique<iop::executor<one, 0>>(same, mesh);
  CHECK(weights.released == 150 * 2 * 3 * 3 + 150 * 3 * 3 + 5 * 150);
  const auto scores = me->run(image), expected = other->run(image);
  REQUIRE(scores);
  CHECK(std::equal(scores->begin(), scores->end(), expected->begin(), expected->end()));
}

TEST_CASE("a missing tensor of a batch_norm is told", "[exec]") {
  for (const char* missing : {"bn1.weight", "bn1.bias", "bn1.running_mean", "bn3.running_var"}) {
    const recording weights{missing};
    iop::comm::alone mesh;
    const auto me = std::make_unique<iop::executor<one, 0>>(weights, mesh);
    REQUIRE(me->status());
    CHECK(me->status().message.view() == "no tensor '" + std::string(missing) + "'");
  }
}

TEST_CASE("input channels split between two ranks: both scale, the first has the bias", "[exec]") {
  // One output channel of 3 input channels, 1 x 1: y = (2a + 4b + 8c + 10 − 4) / √(0.24 + 0.01) · 3 + 7.
  const given weights{{{"w.weight", {2, 4, 8}},
                       {"w.bias", {10}},
                       {"n.weight", {3}},
                       {"n.bias", {7}},
                       {"n.running_mean", {4}},
                       {"n.running_var", {0.24f}}}};
  iop::op o;
  o.what = iop::kind::conv2d;
  o.in = {3, 1, 1};
  o.out = {1, 1, 1};
  o.bias = o.norm = true;
  o.norm_epsilon = 0.01f;
  const auto load = [&](std::size_t first, std::size_t count, bool has_bias) {
    iop::deploy::compute_step step;
    step.geometry.in = iop::kernel::compact(1, 1, count);
    step.output_channels = {0, 1};
    step.first_input_channel = first;
    step.bias = count;
    step.has_bias = has_bias;
    std::vector<float> packed(count + 1, -1.0f);
    CHECK_FALSE(iop::exec::load_step(weights, o, tensor_name("w"), tensor_name("n"), step, packed.data()));
    return packed;
  };
  const std::vector<float> first = load(0, 1, true), second = load(1, 2, false);
  CHECK(first[0] == Approx(12));
  CHECK(first[1] == Approx((10 - 4) * 6 + 7));
  CHECK(second[0] == Approx(24));
  CHECK(second[1] == Approx(48));
  CHECK(second[2] == -1.0f);
}
