// SPDX-License-Identifier: MIT
#include <iop/kernel/conv2d.hpp>
#include <iop/kernel/taps.hpp>

#include <cmath>

#include "catch.hpp"
#include "generate.hpp"

namespace {

using namespace iop::kernel;
using namespace iop::kernel::tests;

}  // namespace

TEST_CASE("tap by tap a convolution has the bits of line by line", "[kernel][taps]") {
  generator draw(1);
  int compared = 0;
  while (compared < 200) {
    const windowed g = make_convolution(draw, 30000);
    if (g.groups > 1 || is_by_taps(g)) continue;  // conv2d would go tap by tap too
    ++compared;
    INFO("in " << g.in.height << 'x' << g.in.width << 'x' << g.in.channels << ", out " << g.out.height << 'x'
               << g.out.width << 'x' << g.out.channels << ", kernel " << g.kernel_height << 'x'
               << g.kernel_width << ", top " << g.top << ", left " << g.left);
    const std::vector<float> in = make_values(span_of(g.in), false, draw);
    const std::vector<float> bias = make_values(g.out.channels, false, draw);
    std::vector<float> packed(packed_size(g) + weight_slack, NAN);
    pack_conv2d(
        g, [&](auto...) { return draw.fraction(); }, packed.data());
    const float* start = draw.one_in(3) ? nullptr : bias.data();
    marked lines(g.out), taps(g.out);
    conv2d(g, in.data(), packed.data(), start, lines.data());
    conv2d_by_taps(g, in.data(), packed.data(), start, taps.data());
    REQUIRE(taps.is_intact());
    REQUIRE(same_bits(taps.box(), lines.box()));
  }
}
