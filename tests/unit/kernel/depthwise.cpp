// SPDX-License-Identifier: MIT
#include <iop/kernel/depthwise.hpp>

#include <iop/kernel/reference.hpp>
#include <iop/kernel/weights.hpp>

#include "catch.hpp"
#include "generate.hpp"

namespace {

using namespace iop::kernel;
using namespace iop::kernel::tests;

/// Mostly what networks have, 3 × 3 at stride 1 or 2 with some padding, and what is close to that.
windowed make_depthwise(generator& draw) {
  windowed g = make_window(draw);
  if (!draw.one_in(4)) {
    const auto near = [&](std::size_t& in, std::size_t& out, std::size_t& kernel, std::size_t& stride,
                          std::size_t& dilation, std::ptrdiff_t& origin) {
      kernel = 3;
      dilation = 1;
      stride = draw.between(1, 2);
      in = draw.between(1, 30);
      origin = static_cast<std::ptrdiff_t>(draw.between(0, 2)) - 1;
      const auto room =
          static_cast<std::ptrdiff_t>(in) + static_cast<std::ptrdiff_t>(draw.between(0, 2)) - origin - 3;
      out = room < 0 ? 1 : static_cast<std::size_t>(room) / stride + 1;
    };
    near(g.in.height, g.out.height, g.kernel_height, g.stride_height, g.dilation_height, g.top);
    near(g.in.width, g.out.width, g.kernel_width, g.stride_width, g.dilation_width, g.left);
  }
  const std::size_t channels = draw.between(2, 70);
  set_channels(g, channels, channels, channels, draw);
  return g;
}

struct depthwise_problem {
  windowed g;
  std::vector<float> in, weights, packed, bias;

  depthwise_problem(const windowed& geometry, bool exact, generator& draw)
      : g(geometry),
        in(make_values(span_of(g.in), exact, draw)),
        weights(make_values(packed_size(g), exact, draw)),
        packed(packed_size(g) + weight_slack),
        bias(make_values(g.out.channels, exact, draw)) {
    pack_conv2d(
        g,
        [&](std::size_t o, std::size_t, std::size_t y, std::size_t x) {
          return weights[(o * g.kernel_height + y) * g.kernel_width + x];
        },
        packed.data());
  }
};

}  // namespace

TEST_CASE("depthwise convolution equals the definition exactly on whole numbers", "[kernel][depthwise]") {
  generator draw(21);
  int direct = 0;
  for (int shape = 0; shape < 500; ++shape) {
    const depthwise_problem p(make_depthwise(draw), true, draw);
    direct += detail::is_depthwise_3x3(p.g);
    const float* bias = draw.one_in(3) ? nullptr : p.bias.data();
    marked out(p.g.out), expected(p.g.out);
    depthwise(p.g, p.in.data(), p.packed.data(), bias, out.data());
    reference::conv2d(p.g, p.in.data(), p.weights.data(), bias, expected.data());
    REQUIRE(out.is_intact());
    REQUIRE(out.box() == expected.box());
  }
  CHECK(direct > 100);
}

TEST_CASE("strips of rows have the bits of the uncut depthwise convolution", "[kernel][depthwise]") {
  generator draw(22);
  for (int shape = 0; shape < 200; ++shape) {
    const depthwise_problem p(make_depthwise(draw), false, draw);
    marked out(p.g.out), whole(p.g.out);
    depthwise(p.g, p.in.data(), p.packed.data(), p.bias.data(), whole.data());
    for (std::size_t first = 0; first < p.g.out.height;) {
      const std::size_t count = std::min(draw.between(1, 5), p.g.out.height - first);
      const strip s = make_strip(p.g, first, count);
      const auto start = p.in.begin() + static_cast<std::ptrdiff_t>(std::min(s.in_offset, p.in.size()));
      const std::vector<float> rows(start, start + static_cast<std::ptrdiff_t>(span_of(s.g.in)));
      depthwise(s.g, rows.data(), p.packed.data(), p.bias.data(), out.data() + s.out_offset);
      first += count;
    }
    REQUIRE(out.is_intact());
    REQUIRE(same_bits(out.box(), whole.box()));
  }
}
