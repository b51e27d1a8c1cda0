// SPDX-License-Identifier: MIT
#include <iop/kernel/winograd.hpp>

#include <iop/kernel/elementwise.hpp>
#include <iop/kernel/reference.hpp>
#include <iop/kernel/weights.hpp>

#include <algorithm>
#include <cmath>

#include "catch.hpp"
#include "generate.hpp"

namespace {

using namespace iop::kernel;
using namespace iop::kernel::tests;

/// A convolution 3×3 with stride 1 and its data; buffers have the floats that may be used and not one more.
struct winograd_problem {
  windowed g;
  std::vector<float> in, weights, bias;

  winograd_problem(const windowed& geometry, generator& draw)
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

std::vector<float> run(const windowed& g, const float* in, const std::vector<float>& packed,
                       const float* bias) {
  const std::size_t floats =
      iop::winograd_workspace(g.out.height, g.out.width, g.in.channels, g.out.channels);
  std::vector<float> workspace(floats, NAN);
  marked out(g.out);
  conv2d_winograd(g, in, packed.data(), bias, nullptr, workspace.data(), out.data());
  CHECK(out.is_intact());
  return out.box();
}

/// The definition. `largest` is the largest output before the activation, or what that would be like if the
/// few outputs there are saw more than padding: a tile's other outputs, which are not kept, round these.
std::vector<float> definition(const winograd_problem& p, const float* bias, float& largest) {
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
  for (int shape = 0; shape < 500; ++shape) {
    const winograd_problem p(make_winograd(draw), draw);
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

TEST_CASE("the error of Winograd's convolution of many channels", "[kernel][winograd]") {
  generator draw(2);
  windowed g;
  g.in = compact(6, 9, 600);
  g.out = compact(6, 9, 20);
  g.kernel_height = g.kernel_width = 3;
  g.top = g.left = -1;
  const winograd_problem p(g, draw);
  float largest = 0;
  const std::vector<float> expected = definition(p, p.bias.data(), largest);
  const float error = largest_difference(run(g, p.in.data(), p.pack(g, 0, 0), p.bias.data()), expected);
  CHECK(error <= 1e-5f * largest);  // a fifth of what is asked for: points chosen badly make 2e-5
  WARN("largest error, as a share of the largest output: " << error / largest);
}

TEST_CASE("blocks of Winograd's tiles stay in their part of the cache unless weights would wait",
          "[kernel][winograd]") {
  using block = iop::winograd_block;
  for (std::size_t ins = 1; ins <= 600; ++ins) {
    const block b(56, 56, ins, 64);  // 196 tiles
    INFO(ins << " input channels, " << b.tiles << " tiles");
    REQUIRE(b.tiles >= block::least_tiles);
    REQUIRE(b.tiles <= block::most_tiles);
    const std::size_t tile = iop::winograd_points * (b.in_step + b.out_step);
    if (tile * block::least_tiles <= block::near_floats)
      REQUIRE(b.tiles * tile <= block::near_floats);
    else
      REQUIRE(b.tiles == 33);  // 6 blocks
  }
}

TEST_CASE("strips of rows and ranges of output channels of Winograd's convolution", "[kernel][winograd]") {
  generator draw(3);
  for (int shape = 0; shape < 100; ++shape) {
    const winograd_problem p(make_winograd(draw), draw);
    INFO(describe(p.g));
    float largest = 0;
    const std::vector<float> expected = definition(p, p.bias.data(), largest);
    marked out(p.g.out);
    for (std::size_t row = 0; row < p.g.out.height;) {
      const std::size_t rows = std::min(draw.between(1, 9), p.g.out.height - row);
      for (std::size_t first = 0; first < p.g.out.channels;) {
        strip s = make_strip(p.g, row, rows);
        s.g.out.channels = std::min(draw.between(1, 90), p.g.out.channels - first);
        const auto start = p.in.begin() + static_cast<std::ptrdiff_t>(std::min(s.in_offset, p.in.size()));
        const std::vector<float> in(start, start + static_cast<std::ptrdiff_t>(span_of(s.g.in)));
        std::vector<float> workspace(
            iop::winograd_workspace(rows, s.g.out.width, s.g.in.channels, s.g.out.channels), NAN);
        conv2d_winograd(s.g, in.data(), p.pack(s.g, 0, first).data(), p.bias.data() + first, nullptr,
                        workspace.data(), out.data() + s.out_offset + first);
        first += s.g.out.channels;
      }
      row += rows;
    }
    REQUIRE(out.is_intact());
    REQUIRE(largest_difference(out.box(), expected) <= 5e-5f * largest);
  }
}

TEST_CASE("Winograd's convolution that adds has the bits of it and then an addition", "[kernel][winograd]") {
  generator draw(7);
  for (int shape = 0; shape < 200; ++shape) {
    winograd_problem p(make_winograd(draw), draw);
    INFO(describe(p.g));
    const activation_function act = p.g.act;
    p.g.act = {};
    const std::vector<float> skip = make_values(span_of(p.g.out), false, draw), packed = p.pack(p.g, 0, 0);
    std::vector<float> workspace(
        iop::winograd_workspace(p.g.out.height, p.g.out.width, p.g.in.channels, p.g.out.channels), NAN);
    marked made(p.g.out), expected(p.g.out), out(p.g.out);
    conv2d_winograd(p.g, p.in.data(), packed.data(), p.bias.data(), nullptr, workspace.data(), made.data());
    const operand terms[] = {{made.data(), p.g.out.pixel_stride}, {skip.data(), p.g.out.pixel_stride}};
    add(terms, p.g.out, act, expected.data());
    p.g.act = act;
    conv2d_winograd(p.g, p.in.data(), packed.data(), p.bias.data(), skip.data(), workspace.data(),
                    out.data());
    REQUIRE(out.is_intact());
    REQUIRE(same_bits(out.box(), expected.box()));
  }
}

TEST_CASE("partial sums of Winograd's convolution add up to the whole", "[kernel][winograd]") {
  generator draw(4);
  for (int shape = 0; shape < 100; ++shape) {
    winograd_problem p(make_winograd(draw), draw);
    INFO(describe(p.g));
    p.g.act = {};
    float largest = 0;
    const std::vector<float> expected = definition(p, p.bias.data(), largest);
    std::vector<float> total(expected.size());
    for (std::size_t first = 0; first < p.g.in.channels;) {
      windowed part = p.g;
      part.in.channels = std::min(draw.between(1, 40), p.g.in.channels - first);
      const std::vector<float> sum =
          run(part, p.in.data() + first, p.pack(part, first, 0), first == 0 ? p.bias.data() : nullptr);
      for (std::size_t i = 0; i < total.size(); ++i) total[i] += sum[i];
      first += part.in.channels;
    }
    REQUIRE(largest_difference(total, expected) <= 5e-5f * largest);
  }
}

TEST_CASE("Winograd's convolution does not depend on where its buffers start, or on what the workspace held",
          "[kernel][winograd]") {
  generator draw(5);
  for (int shape = 0; shape < 50; ++shape) {
    const winograd_problem p(make_winograd(draw), draw);
    INFO(describe(p.g));
    const std::vector<float> packed = p.pack(p.g, 0, 0);
    const std::vector<float> expected = run(p.g, p.in.data(), packed, p.bias.data());
    std::vector<float> in(1), shifted(1),
        workspace(1 +
                  iop::winograd_workspace(p.g.out.height, p.g.out.width, p.g.in.channels, p.g.out.channels));
    in.insert(in.end(), p.in.begin(), p.in.end());
    shifted.insert(shifted.end(), packed.begin(), packed.end());
    marked out(p.g.out);
    conv2d_winograd(p.g, in.data() + 1, shifted.data() + 1, p.bias.data(), nullptr, workspace.data() + 1,
                    out.data());
    REQUIRE(same_bits(out.box(), expected));
  }
}

TEST_CASE("Winograd's convolution under a curve is the curve of it", "[kernel][winograd]") {
  generator draw(6);
  for (int shape = 0; shape < 30; ++shape) {
    winograd_problem p(make_winograd(draw), draw);
    INFO(describe(p.g));
    const std::vector<float> packed = p.pack(p.g, 0, 0);
    for (const activation_function& act : curves_to_try) {
      p.g.act = {};
      std::vector<float> expected = run(p.g, p.in.data(), packed, p.bias.data());
      activate(act, compact(1, 1, expected.size()), expected.data());
      p.g.act = act;
      REQUIRE(same_bits(run(p.g, p.in.data(), packed, p.bias.data()), expected));
    }
  }
}

TEST_CASE("Winograd's convolution of nothing", "[kernel][winograd]") {
  generator draw(7);
  windowed g;
  g.in = compact(4, 4, 3);
  g.out = compact(4, 4, 5);
  g.kernel_height = g.kernel_width = 3;
  SECTION("no input channels: the bias, activated") { g.in = compact(4, 4, 0); }
  SECTION("no input rows: the bias, activated") { g.in = compact(0, 4, 3); }
  SECTION("windows far out in the padding: the bias, activated") { g.top = -100; }
  SECTION("windows far behind the end: the bias, activated") { g.left = 100; }
  SECTION("no output rows") { g.out = compact(0, 4, 5); }
  SECTION("no output columns") { g.out = compact(4, 0, 5); }
  SECTION("no output channels") { g.out = compact(4, 4, 0); }
  g.act = iop::activation::relu;
  const winograd_problem p(g, draw);
  std::vector<float> expected;
  for (std::size_t pixel = 0; pixel < g.out.height * g.out.width; ++pixel)
    for (const float b : p.bias) expected.push_back(b > 0 ? b : 0);
  REQUIRE(run(g, p.in.data(), p.pack(g, 0, 0), p.bias.data()) == expected);
}
