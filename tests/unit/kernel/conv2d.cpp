// SPDX-License-Identifier: MIT
#include <iop/kernel/conv2d.hpp>

#include <iop/kernel/elementwise.hpp>
#include <iop/kernel/pool.hpp>
#include <iop/kernel/reference.hpp>

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstddef>
#include <iterator>
#include <utility>

#include "catch.hpp"
#include "generate.hpp"

namespace {

using namespace iop::kernel;
using namespace iop::kernel::tests;

/// An operator with its data; `weights` in PyTorch's order, `packed` with the slack behind it and not a float
/// more.
struct problem {
  windowed g;
  std::vector<float> in, weights, bias, packed;

  problem(const windowed& geometry, bool exact, generator& draw)
      : g(geometry),
        in(make_values(span_of(g.in), exact, draw)),
        weights(make_values(packed_size(g), exact, draw)),
        bias(make_values(g.out.channels, exact, draw)),
        packed(pack(g, 0)) {}

  /// For output channels from `first` on.
  std::vector<float> pack(const windowed& part, std::size_t first) const {
    std::vector<float> result(packed_size(part) + weight_slack, NAN);
    pack_conv2d(
        part,
        [&](std::size_t o, std::size_t i, std::size_t y, std::size_t x) {
          return weights[(((first + o) * (g.in.channels / g.groups) + i) * g.kernel_height + y) *
                             g.kernel_width +
                         x];
        },
        result.data());
    return result;
  }
  std::vector<float> result() const {
    marked out(g.out);
    conv2d(g, in.data(), packed.data(), bias.data(), out.data());
    CHECK(out.is_intact());
    return out.box();
  }
};

}  // namespace

TEST_CASE("conv2d equals the definition exactly on whole numbers", "[kernel][conv2d]") {
  generator draw(1);
  for (int shape = 0; shape < 700; ++shape) {
    const problem p(make_convolution(draw, 60000), true, draw);
    INFO(describe(p.g));
    const float* bias = draw.one_in(3) ? nullptr : p.bias.data();
    marked out(p.g.out), expected(p.g.out);
    conv2d(p.g, p.in.data(), p.packed.data(), bias, out.data());
    reference::conv2d(p.g, p.in.data(), p.weights.data(), bias, expected.data());
    REQUIRE(out.is_intact());
    REQUIRE(out.box() == expected.box());
  }
}

TEST_CASE("with pixels as lanes conv2d equals the definition, and has the bits of other ways to cut it",
          "[kernel][conv2d]") {
  generator draw(11);
  int planar = 0;
  for (int shape = 0; shape < 400; ++shape) {
    windowed g = make_window(draw);
    g.in.width = draw.between(simd::lanes, 4 * simd::lanes);
    g.stride_width = 1;
    g.out.width = draw.between(1, g.in.width + 2);
    set_channels(g, 1, draw.between(1, simd::lanes), 1, draw);
    g.in.pixel_stride = 1;
    planar += is_planar(g);
    const problem p(g, true, draw);
    INFO(describe(g));
    marked expected(g.out);
    reference::conv2d(g, p.in.data(), p.weights.data(), p.bias.data(), expected.data());
    REQUIRE(p.result() == expected.box());

    problem rounded(g, false, draw), apart = rounded;  // with gaps between its pixels, lanes are channels
    apart.g.in.pixel_stride = 2;
    apart.in.assign(span_of(apart.g.in), 0.0f);
    for (std::size_t i = 0; i < rounded.in.size(); ++i) apart.in[2 * i] = rounded.in[i];
    REQUIRE(same_bits(rounded.result(), apart.result()));
  }
  if (simd::lanes > 1) CHECK(planar > 20);
}

namespace {

constexpr windowed convolution(std::size_t ins, std::size_t outs, std::size_t height, std::size_t width,
                               std::size_t kernel, std::size_t groups) {
  windowed g;
  g.in = {height, width, ins, ins};
  g.out = {height - kernel + 1, width - kernel + 1, outs, outs};
  g.kernel_height = g.kernel_width = kernel;
  g.groups = groups;
  return g;
}

/// One of each form, with blocks of all sizes.
constexpr windowed one_of_each[]{convolution(1, 3, 9, 4 * simd::lanes, 5, 1),
                                 convolution(9, 7, 6, 9, 3, 1),
                                 convolution(9, block_channels, 6, 9, 3, 1),
                                 convolution(9, 3 * block_channels - 1, 6, 9, 3, 1),
                                 convolution(50, block_channels + 1, 6, 9, 3, 1),
                                 convolution(50, 2 * block_channels, 6, 9, 3, 1),
                                 convolution(9, 70, 3, 3, 3, 1),
                                 convolution(10, 10, 6, 9, 3, 10),
                                 convolution(12, 6 * simd::lanes, 6, 9, 3, 3),
                                 convolution(12, 18, 6, 9, 1, 6)};

template <std::size_t N>
void check_forms(generator& draw, conv_forms& all) {
  static constexpr conv_forms forms = forms_of(one_of_each[N]);
  const problem p(one_of_each[N], false, draw);
  INFO(describe(p.g));
  marked out(p.g.out);
  conv2d<forms>(p.g, p.in.data(), p.packed.data(), p.bias.data(), out.data());
  REQUIRE(out.is_intact());
  REQUIRE(same_bits(out.box(), p.result()));
  CHECK(std::popcount(forms.algorithms) == 1);
  CHECK(!forms.has(conv_algorithm::none));
  all.algorithms |= forms.algorithms;
}

}  // namespace

TEST_CASE("the code that a convolution needs computes what all of it does", "[kernel][conv2d]") {
  generator draw(14);
  conv_forms seen{0, all_blocks};
  [&]<std::size_t... N>(std::index_sequence<N...>) { (check_forms<N>(draw, seen), ...); }
  (std::make_index_sequence<std::size(one_of_each)>{});
  if (simd::lanes >= 6)
    for (const auto each : {conv_algorithm::planar, conv_algorithm::depthwise, conv_algorithm::dense,
                            conv_algorithm::taps, conv_algorithm::tiles})
      CHECK(seen.has(each));
}

TEST_CASE("every block of a convolution's output channels has a form that is made", "[kernel][conv2d]") {
  for (std::size_t channels = 1; channels <= 4 * block_channels; ++channels)
    for (std::size_t first = 0; first < channels; first += block_channels) {
      const std::size_t form = block_form(std::min(block_channels, channels - first));
      REQUIRE(form < block_forms);
      REQUIRE((blocks_of(channels) >> form & 1) != 0);
    }
}

TEST_CASE("a convolution that adds has the bits of a convolution and then an addition", "[kernel][conv2d]") {
  generator draw(13);
  int in_tiles = 0;
  for (int shape = 0; shape < 500; ++shape) {
    windowed g = make_convolution(draw, 60000);
    const activation_function act = g.act;
    g.act = {};
    if (!is_added_in_tiles(g)) continue;
    ++in_tiles;
    const problem p(g, false, draw);
    INFO(describe(g));
    const std::vector<float> skip = make_values(span_of(g.out), false, draw);  // not a float more
    marked made(g.out), expected(g.out), out(g.out);
    conv2d(g, p.in.data(), p.packed.data(), p.bias.data(), made.data());
    const operand terms[] = {{made.data(), g.out.pixel_stride}, {skip.data(), g.out.pixel_stride}};
    add(terms, g.out, act, expected.data());
    g.act = act;
    conv2d_added(g, p.in.data(), p.packed.data(), p.bias.data(), skip.data(), out.data());
    REQUIRE(out.is_intact());
    REQUIRE(same_bits(out.box(), expected.box()));
  }
  CHECK(in_tiles > 100);
}

TEST_CASE("a planar convolution with its max_pool has the bits of one after the other", "[kernel][conv2d]") {
  generator draw(12);
  int pooled = 0;
  for (int shape = 0; shape < 300; ++shape) {
    windowed g = make_window(draw);
    g.in.width = draw.between(simd::lanes, 4 * simd::lanes);
    g.in.height = draw.between(2, 12);
    g.stride_width = 1;
    g.out.width = draw.between(simd::lanes, g.in.width + 2);
    g.out.height = draw.between(2, 12);
    set_channels(g, 1, draw.between(1, std::max<std::size_t>(simd::lanes / 2, 1)), 1, draw);
    g.in.pixel_stride = 1;
    windowed pool;
    pool.in = g.out;
    pool.out = compact(g.out.height / 2, g.out.width / 2, g.out.channels);
    pool.out.pixel_stride += draw.one_in(3) ? draw.between(1, 9) : 0;
    pool.kernel_height = pool.kernel_width = pool.stride_height = pool.stride_width = 2;
    pool.act = draw_limits(draw);
    if (!is_planar_pooled(g, pool)) continue;
    ++pooled;
    const problem p(g, false, draw);
    INFO(describe(g));
    std::vector<float> between(span_of(g.out));
    marked expected(pool.out), out(pool.out);
    conv2d(g, p.in.data(), p.packed.data(), p.bias.data(), between.data());
    max_pool(pool, between.data(), expected.data());
    planar_pooled(g, pool, p.in.data(), p.packed.data(), p.bias.data(), out.data());
    REQUIRE(out.is_intact());
    REQUIRE(same_bits(out.box(), expected.box()));
  }
  if (simd::lanes >= 8) CHECK(pooled > 100);
}

TEST_CASE("conv2d rounds no worse than its number of additions explains", "[kernel][conv2d]") {
  generator draw(2);
  for (int shape = 0; shape < 60; ++shape) {
    problem p(make_convolution(draw, 60000), false, draw);
    INFO(describe(p.g));
    p.g.act = {};
    marked expected(p.g.out);
    reference::conv2d(p.g, p.in.data(), p.weights.data(), p.bias.data(), expected.data());
    const auto terms = static_cast<float>(packed_size(p.g) / p.g.out.channels + 1);  // each at most 1 in size
    const std::vector<float> got = p.result(), want = expected.box();
    for (std::size_t i = 0; i < got.size(); ++i)
      REQUIRE(std::fabs(got[i] - want[i]) <= 1.2e-7f * terms * std::sqrt(terms));
  }
}

TEST_CASE("conv2d is within 2e-6 of the largest output of sums in double precision", "[kernel][conv2d]") {
  const auto square = [](std::size_t in, std::size_t inputs, std::size_t outputs, std::size_t kernel,
                         std::size_t stride, std::size_t groups = 1) {
    windowed g;
    g.in = compact(in, in, inputs);
    g.kernel_height = g.kernel_width = kernel;
    g.stride_height = g.stride_width = stride;
    g.top = g.left = kernel == in ? 0 : -static_cast<std::ptrdiff_t>(kernel / 2);
    const std::size_t side = kernel == in ? 1 : (in - 1) / stride + 1;
    g.out = compact(side, side, outputs);
    g.groups = groups;
    return g;
  };
  generator draw(31);
  double worst = 0;
  for (const windowed& g :  // sums as long as networks have them; the last four are dense
       {square(28, 1, 6, 5, 1), square(14, 6, 16, 5, 1), square(32, 3, 64, 11, 4), square(12, 64, 40, 5, 1),
        square(10, 256, 24, 3, 1), square(7, 512, 64, 3, 1), square(14, 128, 32, 3, 2),
        square(7, 960, 160, 1, 1), square(14, 96, 96, 3, 1, 96), square(15, 70, 70, 3, 2, 70),
        square(5, 16, 120, 5, 1), square(1, 4096, 70, 1, 1), square(6, 256, 20, 6, 1),
        square(7, 512, 20, 7, 1)}) {
    const problem p(g, false, draw);
    INFO(describe(g));
    marked expected(g.out);
    reference::conv2d(g, p.in.data(), p.weights.data(), p.bias.data(), expected.data());
    const std::vector<float> got = p.result(), want = expected.box();
    double error = 0, largest = 0;
    for (std::size_t i = 0; i < got.size(); ++i) {
      error = std::max(error, std::fabs(static_cast<double>(got[i]) - static_cast<double>(want[i])));
      largest = std::max(largest, std::fabs(static_cast<double>(want[i])));
    }
    CHECK(error <= 2e-6 * largest);
    worst = std::max(worst, error / largest);
  }
  WARN("largest error, as a share of the largest output: " << worst);
}

TEST_CASE("strips of rows have the bits of the uncut convolution", "[kernel][conv2d]") {
  generator draw(3);
  for (int shape = 0; shape < 200; ++shape) {
    const problem p(make_convolution(draw, 30000), false, draw);
    INFO(describe(p.g));
    marked out(p.g.out);
    for (std::size_t first = 0; first < p.g.out.height;) {
      const std::size_t count = std::min(draw.between(1, 5), p.g.out.height - first);
      const strip s = make_strip(p.g, first, count);
      const auto start = p.in.begin() + static_cast<std::ptrdiff_t>(std::min(s.in_offset, p.in.size()));
      const std::vector<float> rows(start, start + static_cast<std::ptrdiff_t>(span_of(s.g.in)));
      conv2d(s.g, rows.data(), p.packed.data(), p.bias.data(), out.data() + s.out_offset);
      first += count;
    }
    REQUIRE(out.is_intact());
    REQUIRE(same_bits(out.box(), p.result()));
  }
}

TEST_CASE("ranges of output channels have the bits of the uncut convolution", "[kernel][conv2d]") {
  generator draw(4);
  for (int shape = 0; shape < 200; ++shape) {
    const problem p(make_convolution(draw, 30000), false, draw);
    if (p.g.groups > 1 && (p.g.groups != p.g.in.channels || p.g.groups != p.g.out.channels)) continue;
    INFO(describe(p.g));
    marked out(p.g.out);
    for (std::size_t first = 0; first < p.g.out.channels;) {
      windowed part = p.g;
      part.out.channels = std::min(draw.between(1, 90), p.g.out.channels - first);
      if (p.g.groups > 1) part.in.channels = part.groups = part.out.channels;
      const float* in = p.in.data() + (p.g.groups > 1 ? first : 0);
      conv2d(part, in, p.pack(part, first).data(), p.bias.data() + first, out.data() + first);
      first += part.out.channels;
    }
    REQUIRE(out.is_intact());
    REQUIRE(same_bits(out.box(), p.result()));
  }
}

TEST_CASE("partial sums over ranges of input channels add up to the whole", "[kernel][conv2d]") {
  generator draw(5);
  for (int shape = 0; shape < 100; ++shape) {
    const problem p(make_convolution(draw, 30000), true, draw);
    if (p.g.groups > 1) continue;
    INFO(describe(p.g));
    windowed whole = p.g;
    whole.out.pixel_stride = whole.out.channels;
    std::vector<std::vector<float>> partials;
    for (std::size_t first = 0; first < p.g.in.channels;) {
      windowed part = whole;
      part.act = {};
      part.in.channels = std::min(draw.between(1, 30), p.g.in.channels - first);
      std::vector<float> packed(packed_size(part) + weight_slack, NAN), out(span_of(part.out), NAN);
      const auto read = [&](std::size_t o, std::size_t i, std::size_t y, std::size_t x) {
        return p.weights[((o * p.g.in.channels + first + i) * p.g.kernel_height + y) * p.g.kernel_width + x];
      };
      pack_conv2d(part, read, packed.data());
      conv2d(part, p.in.data() + first, packed.data(), first == 0 ? p.bias.data() : nullptr, out.data());
      partials.push_back(out);
      first += part.in.channels;
    }
    std::vector<const float*> terms;
    for (const auto& each : partials) terms.push_back(each.data());
    std::vector<float> total(span_of(whole.out));
    sum(terms, total.size(), p.g.act, total.data());
    REQUIRE(total == p.result());
  }
}

TEST_CASE("conv2d under a curve is the curve of conv2d", "[kernel][conv2d]") {
  generator draw(9);
  for (int shape = 0; shape < 200; ++shape) {
    problem p(make_convolution(draw, 30000), false, draw);
    INFO(describe(p.g));
    for (const activation_function& act : curves_to_try) {
      p.g.act = {};
      std::vector<float> expected = p.result();
      activate(act, compact(1, 1, expected.size()), expected.data());
      p.g.act = act;
      REQUIRE(same_bits(p.result(), expected));
    }
  }
}

TEST_CASE("conv2d gives the same bits wherever its buffers start", "[kernel][conv2d]") {
  generator draw(6);
  for (int shape = 0; shape < 60; ++shape) {
    const problem p(make_convolution(draw, 30000), false, draw);
    INFO(describe(p.g));
    const std::vector<float> expected = p.result();
    for (std::size_t offset = 1; offset < 4; ++offset) {
      const auto shifted = [&](const std::vector<float>& v) {
        std::vector<float> moved(offset);
        moved.insert(moved.end(), v.begin(), v.end());
        return moved;
      };
      const auto in = shifted(p.in), packed = shifted(p.packed), bias = shifted(p.bias);
      extents wide = p.g.out;
      wide.pixel_stride += offset;
      windowed g = p.g;
      g.out = wide;
      marked out(wide);
      conv2d(g, in.data() + offset, packed.data() + offset, bias.data() + offset, out.data());
      REQUIRE(same_bits(out.box(), expected));
    }
  }
}

TEST_CASE("a dense layer is a convolution with its whole input as kernel", "[kernel][conv2d]") {
  generator draw(7);
  for (const auto& [size, inputs, outputs] : {std::array<std::size_t, 3>{1, 84, 10},
                                              {5, 16, 120},
                                              {1, 300, 1},
                                              {3, 7, 65},
                                              {2, 1, 128},
                                              {1, 1, 1}}) {
    windowed g;
    g.in = compact(size, size, inputs);
    g.out = compact(1, 1, outputs);
    g.kernel_height = g.kernel_width = size;
    const problem p(g, true, draw);
    INFO(describe(g));
    marked expected(g.out);
    reference::conv2d(g, p.in.data(), p.weights.data(), p.bias.data(), expected.data());
    REQUIRE(p.result() == expected.box());

    const problem rounded(g, false, draw);  // one output at a time has the same bits
    std::vector<float> single(outputs);
    windowed one = g;
    one.out = compact(1, 1, 1);
    for (std::size_t o = 0; o < outputs; ++o)
      conv2d(one, rounded.in.data(), rounded.pack(one, o).data(), rounded.bias.data() + o, &single[o]);
    REQUIRE(same_bits(rounded.result(), single));
  }
}

TEST_CASE("conv2d of nothing", "[kernel][conv2d]") {
  generator draw(8);
  windowed g;
  g.in = compact(4, 4, 3);
  g.out = compact(4, 4, 5);
  SECTION("no input channels: the bias, activated") { g.in = compact(4, 4, 0); }
  SECTION("no input rows: the bias, activated") { g.in = compact(0, 4, 3); }
  SECTION("windows far out in the padding: the bias, activated") { g.top = -100; }
  SECTION("windows far behind the end: the bias, activated") { g.left = 100; }
  SECTION("no output rows") { g.out = compact(0, 4, 5); }
  SECTION("no output columns") { g.out = compact(4, 0, 5); }
  SECTION("no output channels") { g.out = compact(4, 4, 0); }
  SECTION("an empty depthwise shard") {
    g.in = g.out = compact(4, 4, 0);
    g.groups = 0;
  }
  g.act = iop::activation::relu;
  problem p(g, true, draw);
  std::vector<float> expected;
  for (std::size_t pixel = 0; pixel < g.out.height * g.out.width; ++pixel)
    for (const float b : p.bias) expected.push_back(b > 0 ? b : 0);
  REQUIRE(p.result() == expected);
}
