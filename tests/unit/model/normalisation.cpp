// SPDX-License-Identifier: MIT
#include <iop/model/network.hpp>

#include "catch.hpp"

using namespace iop::model;
using iop::activation;
using iop::kind;

namespace {

struct normed : network<input<2, 6, 6>, conv2d<3, no_bias>, batch_norm<>, relu6, conv2d<4>, dropout<>,
                        batch_norm<name<"stem.norm">, epsilon<1e-3>>, flatten, dense<5, no_bias>,
                        batch_norm<>, hyperbolic_tangent> {};
struct activated : network<input<2, 3, 3>, conv2d<3>, leaky_relu<0.2>, max_pool<3>, leaky_relu<>, dense<2>,
                           sigmoid, dropout<0.2>, hard_swish> {};
struct responses : network<input<9, 3, 3>, local_response_norm<5>, relu,
                           local_response_norm<3, k<2>, beta<0.5>, alpha<1e-3>>> {};

}  // namespace

TEST_CASE("batch_norm becomes part of the conv2d or dense before it", "[model]") {
  const auto& s = normed::spec;
  REQUIRE(s.size() == 4);
  CHECK(s.norm_names[0].empty());
  CHECK(s.norm_names[1].view() == "bn1");
  CHECK(s.norm_names[2].view() == "stem.norm");
  CHECK(s.norm_names[3].view() == "bn3");
  for (std::size_t i = 1; i < s.size(); ++i) {
    CHECK(s.ops[i].norm);
    CHECK(s.ops[i].bias);
    CHECK(s.ops[i].bias_from_norm == (i != 2));
  }
  CHECK(s.ops[1].norm_epsilon == 1e-5f);
  CHECK(s.ops[2].norm_epsilon == 1e-3f);
  CHECK(s.ops[1].act == activation::relu6);
  CHECK(s.ops[2].act == activation::none);
  CHECK(s.ops[3].act == activation::tanh);
  CHECK(parameter_count(s.ops[1]) == 3 * 2 + 2 * 3);
  CHECK(parameter_count(s.ops[2]) == 4 * 3 + 4 + 2 * 4);
}

TEST_CASE("every activation fuses, leaky_relu with its slope", "[model]") {
  const auto& ops = activated::spec.ops;
  REQUIRE(activated::spec.size() == 6);
  CHECK(ops[1].act == activation::leaky_relu);
  CHECK(ops[1].slope == 0.2f);
  CHECK(ops[3].what == kind::elementwise);
  CHECK(ops[3].act == activation::leaky_relu);
  CHECK(ops[3].slope == 0.01f);
  CHECK(ops[4].act == activation::sigmoid);
  CHECK(ops[5].what == kind::elementwise);
  CHECK(ops[5].act == activation::hard_swish);
}

TEST_CASE("local_response_norm: defaults are PyTorch's", "[model]") {
  const auto& ops = responses::spec.ops;
  REQUIRE(responses::spec.size() == 4);
  CHECK(ops[1].what == kind::local_response_norm);
  CHECK(ops[1].response == iop::response_norm{5, 1e-4f, 0.75f, 1.0f});
  CHECK(ops[3].response == iop::response_norm{3, 1e-3f, 0.5f, 2.0f});
  CHECK(ops[1].out == iop::shape{9, 3, 3});
  CHECK(ops[2].what == kind::elementwise);
}
