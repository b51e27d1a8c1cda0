// SPDX-License-Identifier: MIT
#include <iop/kernel/pool.hpp>

#include <iop/kernel/reference.hpp>

#include <functional>
#include <limits>

#include "catch.hpp"
#include "generate.hpp"

namespace {

using namespace iop::kernel;
using namespace iop::kernel::tests;

using pooling = std::function<void(const windowed&, const float*, float*)>;

struct pair {
  pooling fast, reference;
};

const pair kinds[] = {
    {max_pool, reference::max_pool},
    {[](const windowed& g, const float* in, float* out) { average_pool(g, true, in, out); },
     [](const windowed& g, const float* in, float* out) { reference::average_pool(g, true, in, out); }},
    {[](const windowed& g, const float* in, float* out) { average_pool(g, false, in, out); },
     [](const windowed& g, const float* in, float* out) { reference::average_pool(g, false, in, out); }},
};

windowed make_pooling(generator& draw) {
  for (;;) {
    windowed g = make_window(draw);
    const std::size_t channels = draw.between(1, 70);
    set_channels(g, channels, channels, channels, draw);
    if (work_of(g) <= 30000) return g;
  }
}

std::vector<float> run(const pooling& pool, const windowed& g, const std::vector<float>& in) {
  marked out(g.out);
  pool(g, in.data(), out.data());
  CHECK(out.is_intact());
  return out.box();
}

}  // namespace

TEST_CASE("pooling equals the definition exactly on whole numbers", "[kernel][pool]") {
  generator draw(1);
  for (int shape = 0; shape < 500; ++shape) {
    const windowed g = make_pooling(draw);
    const std::vector<float> in = make_values(span_of(g.in), true, draw);
    for (const pair& kind : kinds) REQUIRE(run(kind.fast, g, in) == run(kind.reference, g, in));
  }
}

TEST_CASE("strips of rows have the bits of the uncut pooling", "[kernel][pool]") {
  generator draw(2);
  for (int shape = 0; shape < 150; ++shape) {
    const windowed g = make_pooling(draw);
    const std::vector<float> in = make_values(span_of(g.in), false, draw);
    for (const pair& kind : kinds) {
      marked out(g.out);
      for (std::size_t first = 0; first < g.out.height;) {
        const std::size_t count = std::min(draw.between(1, 5), g.out.height - first);
        const strip s = make_strip(g, first, count);
        const auto start = in.begin() + static_cast<std::ptrdiff_t>(std::min(s.in_offset, in.size()));
        const std::vector<float> rows(start, start + static_cast<std::ptrdiff_t>(span_of(s.g.in)));
        kind.fast(s.g, rows.data(), out.data() + s.out_offset);
        first += count;
      }
      REQUIRE(out.is_intact());
      REQUIRE(same_bits(out.box(), run(kind.fast, g, in)));
    }
  }
}

TEST_CASE("pooling under a curve is the curve of pooling", "[kernel][pool]") {
  generator draw(3);
  for (int shape = 0; shape < 60; ++shape) {
    windowed g = make_pooling(draw);
    const std::vector<float> in = make_values(span_of(g.in), false, draw);
    for (const pair& kind : kinds)
      for (const activation_function& act : curves_to_try) {
        g.act = {};
        std::vector<float> expected = run(kind.fast, g, in);
        activate(act, compact(1, 1, expected.size()), expected.data());
        g.act = act;
        REQUIRE(same_bits(run(kind.fast, g, in), expected));
      }
  }
}

TEST_CASE("padding is never the maximum", "[kernel][pool]") {
  windowed g;
  g.in = compact(2, 2, 3);
  g.out = compact(2, 2, 3);
  g.kernel_height = g.kernel_width = 3;
  g.top = g.left = -1;
  const std::vector<float> in(12, -5.0f);
  REQUIRE(run(max_pool, g, in) == in);
  g.top = -7;
  REQUIRE(run(max_pool, g, in) == std::vector<float>(12, -std::numeric_limits<float>::infinity()));
}

TEST_CASE("pooling of nothing", "[kernel][pool]") {
  windowed g;
  g.in = compact(2, 2, 3);
  const std::vector<float> in(12, 1.0f);
  for (const extents out : {compact(0, 2, 3), compact(2, 0, 3), compact(2, 2, 0)}) {
    g.out = out;
    for (const pair& kind : kinds) REQUIRE(run(kind.fast, g, in).empty());
  }
}
