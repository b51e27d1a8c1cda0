// SPDX-License-Identifier: MIT
#include <iop/kernel/activation.hpp>

#include <iop/kernel/reference.hpp>

#include <cmath>
#include <limits>

#include "catch.hpp"
#include "generate.hpp"

namespace {

using namespace iop::kernel;
using namespace iop::kernel::tests;
using iop::activation;

std::vector<activation_function> all_activations() {
  std::vector<activation_function> all{activation::none, activation::relu, activation::relu6,
                                       activation::leaky_relu};
  all.insert(all.end(), std::begin(curves_to_try), std::end(curves_to_try));
  return all;
}

float at(const activation_function& f, float x) {
  activate(f, compact(1, 1, 1), &x);
  return x;
}

}  // namespace

TEST_CASE("activations equal their definitions on any count", "[kernel][activation]") {
  generator draw(1);
  for (std::size_t count = 0; count < 150; ++count)
    for (const activation_function& f : all_activations()) {
      std::vector<float> values = make_values(count, false, draw);
      for (float& each : values) each *= 9;
      marked fast(compact(1, 1, count)), expected(compact(1, 1, count));
      std::copy(values.begin(), values.end(), fast.data());
      std::copy(values.begin(), values.end(), expected.data());
      activate(f, compact(1, 1, count), fast.data());
      reference::activate(f, count, expected.data());
      REQUIRE(fast.is_intact());
      INFO(name_of(f.what) << " of " << count);
      if (f.curve == nullptr) REQUIRE(same_bits(fast.box(), expected.box()));
      for (std::size_t i = 0; i < count; ++i)
        REQUIRE(fast.at(0, 0, i) == Approx(expected.at(0, 0, i)).epsilon(5e-7).margin(1e-12));
    }
}

TEST_CASE("the bits of an activation do not depend on where an element lies", "[kernel][activation]") {
  generator draw(2);
  for (int trial = 0; trial < 300; ++trial) {
    extents shape = compact(draw.between(0, 4), draw.between(1, 5), draw.between(1, 70));
    shape.pixel_stride += draw.between(0, 20);
    for (const activation_function& f : all_activations()) {
      marked whole(shape);
      std::vector<float> expected;
      for (std::size_t p = 0; p < shape.height * shape.width; ++p)
        for (std::size_t c = 0; c < shape.channels; ++c) {
          const float x = 9 * draw.fraction();
          whole.data()[p * shape.pixel_stride + c] = x;
          expected.push_back(at(f, x));
        }
      activate(f, shape, whole.data());
      REQUIRE(whole.is_intact());
      REQUIRE(same_bits(whole.box(), expected));
    }
  }
}

TEST_CASE("activations worked by hand", "[kernel][activation]") {
  CHECK(at(activation::relu6, 7.5f) == 6.0f);
  CHECK(at(activation::relu6, -1.0f) == 0.0f);
  CHECK(at({activation::leaky_relu, 0.25f}, -2.0f) == -0.5f);
  CHECK(at({activation::leaky_relu, 2.0f}, -2.0f) == -4.0f);  // steeper below zero than above
  CHECK(at({activation::leaky_relu, 0.25f}, 2.0f) == 2.0f);
  CHECK(at(activation::hard_swish, 1.0f) == Approx(4.0 / 6));
  CHECK(at(activation::hard_swish, -3.0f) == 0.0f);
  CHECK(at(activation::hard_swish, 4.0f) == 4.0f);
  CHECK(at(activation::sigmoid, 0.0f) == 0.5f);
  CHECK(at(activation::tanh, 0.0f) == 0.0f);
  CHECK(at(activation::tanh, 1e-4f) == Approx(1e-4));
}

TEST_CASE("activations of extreme numbers", "[kernel][activation]") {
  constexpr float huge = 1e30f, infinite = std::numeric_limits<float>::infinity();
  for (const float large : {200.0f, huge, infinite}) {
    CHECK(at(activation::sigmoid, large) == 1.0f);
    CHECK(at(activation::sigmoid, -large) == Approx(0.0f).margin(1e-30));
    CHECK(at(activation::tanh, large) == 1.0f);
    CHECK(at(activation::tanh, -large) == -1.0f);
    CHECK(at(activation::none, -large) == -large);
  }
  CHECK(at(activation::hard_swish, huge) == Approx(huge));
  for (const activation a : {activation::none, activation::relu, activation::relu6})
    CHECK(std::isnan(at(a, std::numeric_limits<float>::quiet_NaN())));
}
