// SPDX-License-Identifier: MIT
#include <iop/kernel/reference.hpp>

#include <vector>

#include "catch.hpp"

namespace {

using namespace iop::kernel;

}  // namespace

// Worked by hand, so that the oracle of all other tests does not only agree with itself.

TEST_CASE("a 3 x 3 image under a 2 x 2 kernel", "[kernel][reference]") {
  windowed g;
  g.in = compact(3, 3, 1);
  g.out = compact(2, 2, 1);
  g.kernel_height = g.kernel_width = 2;
  const std::vector<float> in{1, 2, 3, 4, 5, 6, 7, 8, 9}, weights{1, 10, 100, 1000};
  const float bias = 0.5f;
  std::vector<float> out(4);
  reference::conv2d(g, in.data(), weights.data(), &bias, out.data());
  REQUIRE(out == std::vector<float>{5421.5f, 6532.5f, 8754.5f, 9865.5f});
  reference::max_pool(g, in.data(), out.data());
  REQUIRE(out == std::vector<float>{5, 6, 8, 9});
  reference::average_pool(g, true, in.data(), out.data());
  REQUIRE(out == std::vector<float>{3, 4, 6, 7});
}

TEST_CASE("padding, stride and dilation", "[kernel][reference]") {
  windowed g;
  g.in = compact(1, 5, 1);
  g.out = compact(1, 3, 1);
  g.kernel_width = 2;
  g.stride_width = 2;
  g.dilation_width = 3;
  g.left = -1;  // columns −1 and 2, 1 and 4, 3 and 6
  const std::vector<float> in{1, 2, 3, 4, 5}, weights{1, 10};
  std::vector<float> out(3);
  reference::conv2d(g, in.data(), weights.data(), nullptr, out.data());
  REQUIRE(out == std::vector<float>{30, 52, 4});
  reference::average_pool(g, true, in.data(), out.data());
  REQUIRE(out == std::vector<float>{1.5f, 3.5f, 2});
  reference::average_pool(g, false, in.data(), out.data());
  REQUIRE(out == std::vector<float>{3, 3.5f, 4});
}

TEST_CASE("groups and depth multiplier", "[kernel][reference]") {
  windowed g;
  g.in = compact(1, 1, 2);
  g.out = compact(1, 1, 4);
  g.groups = 2;
  const std::vector<float> in{1, -1}, weights{1, 2, 3, 4};
  std::vector<float> out(4);
  reference::conv2d(g, in.data(), weights.data(), nullptr, out.data());
  REQUIRE(out == std::vector<float>{1, 2, -3, -4});
  g.act = iop::activation::relu;
  reference::conv2d(g, in.data(), weights.data(), nullptr, out.data());
  REQUIRE(out == std::vector<float>{1, 2, 0, 0});
}
