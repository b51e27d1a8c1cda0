// SPDX-License-Identifier: MIT
#include <iop/kernel/taps.hpp>

#include <iop/kernel/reference.hpp>
#include <iop/kernel/weights.hpp>

#include <cmath>

#include "catch.hpp"
#include "generate.hpp"

namespace {

using namespace iop::kernel;
using namespace iop::kernel::tests;

/// Of any size, also those for which it does not pay.
windowed make_dense_convolution(generator& draw) {
  for (;;) {
    const windowed g = make_convolution(draw, 60000);
    if (g.groups == 1) return g;
  }
}

}  // namespace

TEST_CASE("tap by tap a convolution equals the definition exactly on whole numbers", "[kernel][taps]") {
  generator draw(1);
  for (int shape = 0; shape < 300; ++shape) {
    const windowed g = make_dense_convolution(draw);
    INFO("in " << g.in.height << 'x' << g.in.width << 'x' << g.in.channels << ", out " << g.out.height << 'x'
               << g.out.width << 'x' << g.out.channels << ", kernel " << g.kernel_height << 'x'
               << g.kernel_width << ", top " << g.top << ", left " << g.left);
    const std::vector<float> in = make_values(span_of(g.in), true, draw);
    const std::vector<float> weights = make_values(packed_size(g), true, draw);
    const std::vector<float> bias = make_values(g.out.channels, true, draw);
    std::vector<float> packed(packed_size(g) + weight_slack, NAN);
    const auto read = [&](std::size_t o, std::size_t i, std::size_t y, std::size_t x) {
      return weights[((o * g.in.channels + i) * g.kernel_height + y) * g.kernel_width + x];
    };
    pack_conv2d(g, read, packed.data());
    const float* start = draw.one_in(3) ? nullptr : bias.data();
    marked out(g.out), expected(g.out);
    conv2d_by_taps(g, in.data(), packed.data(), start, out.data());
    reference::conv2d(g, in.data(), weights.data(), start, expected.data());
    REQUIRE(out.is_intact());
    REQUIRE(out.box() == expected.box());
  }
}

TEST_CASE("whether to go tap by tap does not depend on rows and output channels", "[kernel][taps]") {
  generator draw(2);
  int taps = 0;
  for (int shape = 0; shape < 300; ++shape) {
    windowed g = make_dense_convolution(draw);
    const bool by_taps = is_by_taps(g);
    taps += by_taps;
    g = make_strip(g, 0, 1).g;
    g.out.channels = 1;
    REQUIRE(is_by_taps(g) == by_taps);
  }
  CHECK(taps > 10);
}
