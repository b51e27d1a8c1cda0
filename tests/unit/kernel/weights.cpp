// SPDX-License-Identifier: MIT
#include <iop/kernel/weights.hpp>

#include "catch.hpp"
#include "generate.hpp"

namespace {

using namespace iop::kernel;
using namespace iop::kernel::tests;

}  // namespace

TEST_CASE("packing writes every weight once and nothing else", "[kernel][weights]") {
  generator draw(1);
  for (int shape = 0; shape < 100; ++shape) {
    const windowed g = make_convolution(draw, 100000);
    const std::size_t count = packed_size(g);
    REQUIRE(count == g.out.channels * (g.in.channels / g.groups) * g.kernel_height * g.kernel_width);
    std::vector<float> packed(count);
    pack_conv2d(
        g,
        [&](std::size_t o, std::size_t i, std::size_t y, std::size_t x) {
          return static_cast<float>(
              ((o * (g.in.channels / g.groups) + i) * g.kernel_height + y) * g.kernel_width + x);
        },
        packed.data());
    std::sort(packed.begin(), packed.end());
    for (std::size_t i = 0; i < count; ++i) REQUIRE(packed[i] == static_cast<float>(i));
  }
}

TEST_CASE("an empty shard has no weights", "[kernel][weights]") {
  windowed g;
  g.in = g.out = compact(3, 3, 0);
  g.groups = 0;
  REQUIRE(packed_size(g) == 0);
  pack_conv2d(
      g, [](auto...) { return 1.0f; }, nullptr);
}
