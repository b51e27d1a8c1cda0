// SPDX-License-Identifier: MIT
#include <iop/kernel/winograd.hpp>

#include <iop/kernel/reference.hpp>
#include <iop/kernel/weights.hpp>

#include <algorithm>
#include <cmath>
#include <sstream>
#include <string>

#include "catch.hpp"
#include "generate.hpp"

namespace {

using namespace iop::kernel;
using namespace iop::kernel::tests;

/// A convolution 3×3 with stride 1 and its data; buffers have the floats that may be used and not one more.
struct problem {
  windowed g;
  std::vector<float> in, weights, bias;

  problem(const windowed& geometry, generator& draw)
      : g(geometry),
        in(make_values(span_of(g.in), false, draw)),
        weights(make_values(packed_size(g), false, draw)),
        bias(make_values(g.out.channels, false, draw)) {}

  float weight(std::size_t o, std::size_t i, std::size_t y, std::size_t x) const {
    return weights[((o * g.in.channels + i) * 3 + y) * 3 + x];
  }
  /// Input channels from `first_in`, output channels from `first_out` on.
  std::vector<float> pack(const windowed& part, std::size_t first_in, std::size_t first_out) const {
    std::vector<float> result(iop::winograd_weight_count(part.out.channels, part.in.channels) + weight_slack,
                              NAN);
    const auto read = [&](std::size_t o, std::size_t i, std::size_t y, std::size_t x) {
      return weight(first_out + o, first_in + i, y, x);
    };
    pack_winograd(part, read, result.data());
    return result;
  }
};

windowed make_winograd(generator& draw) {
  windowed g;
  const auto side = [&](std::size_t& in, std::size_t& out, std::ptrdiff_t& origin) {
    in = draw.between(1, 13);
    origin = static_cast<std::ptrdiff_t>(draw.between(0, 5)) - 3;  // more padding than a tile needs, and less
    out = draw.between(1, 13);                                     // windows may see nothing at all
  };
  g.kernel_height = g.kernel_width = 3;
  side(g.in.height, g.out.height, g.top);
  side(g.in.width, g.out.width, g.left);
  const std::size_t most_outputs = draw.one_in(3) ? 140 : 40;
  set_channels(g, draw.between(1, 70), draw.between(1, most_outputs), 1, draw);
  g.act = draw_limits(draw);
  return g;
}

std::string describe(const windowed& g) {
  std::ostringstream text;
  text << "in " << g.in.height << 'x' << g.in.width << 'x' << g.in.channels << '/' << g.in.pixel_stride
       << ", out " << g.out.height << 'x' << g.out.width << 'x' << g.out.channels << '/' << g.out.pixel_stride
       << ", top " << g.top << ", left " << g.left;
  return text.str();
}

std::vector<float> run(const windowed& g, const float* in, const std::vector<float>& packed,
                       const float* bias) {
  const std::size_t floats =
      iop::winograd_workspace(g.out.height, g.out.width, g.in.channels, g.out.channels);
  std::vector<float> workspace(floats, NAN);
  marked out(g.out);
  conv2d_winograd(g, in, packed.data(), bias, workspace.data(), out.data());
  CHECK(out.is_intact());
  return out.box();
}

/// The definition. `largest` is the largest output before the activation, or what that would be like if the
/// few outputs there are saw more than padding: a tile's other outputs, which are not kept, round these.
std::vector<float> definition(const problem& p, const float* bias, float& largest) {
  marked out(p.g.out);
  largest = std::sqrt(static_cast<float>(p.g.in.channels));
  windowed plain = p.g;
  plain.act = {};
  reference::conv2d(plain, p.in.data(), p.weights.data(), bias, out.data());
  for (const float each : out.box()) largest = std::max(largest, std::fabs(each));
  reference::conv2d(p.g, p.in.data(), p.weights.data(), bias, out.data());
  return out.box();
}

float largest_difference(const std::vector<float>& a, const std::vector<float>& b) {
  float largest = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    const float d = std::fabs(a[i] - b[i]);
    largest = d <= largest ? largest : d;  // not a number stays
  }
  return largest;
}

}  // namespace

TEST_CASE("Winograd's convolution is within 5e-5 of the largest output", "[kernel][winograd]") {
  generator draw(1);
  float worst = 0;
  for (int shape = 0; shape < 400; ++shape) {
    const problem p(make_winograd(draw), draw);
    INFO(describe(p.g));
    const float* bias = draw.one_in(3) ? nullptr : p.bias.data();
    float largest = 0;
    const std::vector<float> expected = definition(p, bias, largest);
    const float error = largest_difference(run(p.g, p.in.data(), p.pack(p.g, 0, 0), bias), expected);
    REQUIRE(error <= 5e-5f * largest);
    worst = std::max(worst, error / largest);
  }
  WARN("largest error, as a share of the largest output: " << worst);
}
