// SPDX-License-Identifier: MIT
#include <iop/kernel/elementwise.hpp>

#include <iop/kernel/copy.hpp>
#include <iop/kernel/reference.hpp>

#include <cmath>

#include "catch.hpp"
#include "generate.hpp"

namespace {

using namespace iop::kernel;
using namespace iop::kernel::tests;

}  // namespace

TEST_CASE("sum adds in the order of its terms, to the last bit", "[kernel][elementwise]") {
  generator draw(2);
  for (std::size_t count = 0; count < 150; ++count)
    for (std::size_t terms = 0; terms < 6; ++terms) {
      std::vector<std::vector<float>> values;
      std::vector<const float*> pointers;
      for (std::size_t t = 0; t < terms; ++t) values.push_back(make_values(count, false, draw));
      for (const auto& each : values) pointers.push_back(each.data());
      const auto act = draw_limits(draw);
      marked fast(compact(1, 1, count)), expected(compact(1, 1, count));
      sum(pointers, count, act, fast.data());
      reference::sum(pointers, count, act, expected.data());
      REQUIRE(fast.is_intact());
      REQUIRE(same_bits(fast.box(), expected.box()));

      for (std::size_t same = 0; same < terms; ++same) {  // the result replaces a term
        std::vector<float> out = values[same];
        std::vector<const float*> aliased = pointers;
        aliased[same] = out.data();
        sum(aliased, count, act, out.data());
        REQUIRE(same_bits(out, expected.box()));
      }
    }
}

TEST_CASE("add sums boxes of wider buffers, to the last bit", "[kernel][elementwise]") {
  generator draw(4);
  for (int trial = 0; trial < 500; ++trial) {
    extents shape = compact(draw.between(0, 4), draw.between(1, 5), draw.between(0, 70));
    if (draw.one_in(2)) shape.pixel_stride += draw.between(1, 20);
    const auto act = draw_limits(draw);
    std::vector<std::vector<float>> values;
    std::vector<extents> from;
    std::vector<operand> terms;
    std::vector<const float*> pointers;
    for (std::size_t t = draw.between(2, most_operands); t > 0; --t) {
      from.push_back(shape);
      from.back().pixel_stride = shape.channels + (draw.one_in(2) ? draw.between(1, 20) : 0);
      values.push_back(make_values(span_of(from.back()), false, draw));
    }
    for (std::size_t t = 0; t < values.size(); ++t) {
      pointers.push_back(values[t].data());
      terms.push_back({values[t].data(), from[t].pixel_stride});
    }
    marked fast(shape), expected(shape);
    add(terms, shape, act, fast.data());
    reference::add(pointers, from, shape, act, expected.data());
    REQUIRE(fast.is_intact());
    REQUIRE(same_bits(fast.box(), expected.box()));

    const std::size_t same = draw.between(0, terms.size() - 1);  // the result replaces a term
    terms[same] = {fast.data(), shape.pixel_stride};
    copy(from[same], values[same].data(), shape, fast.data());
    add(terms, shape, act, fast.data());
    REQUIRE(fast.is_intact());
    REQUIRE(same_bits(fast.box(), expected.box()));
  }
}

TEST_CASE("a sum under a curve is the curve of the sum", "[kernel][elementwise]") {
  generator draw(5);
  for (std::size_t count = 1; count < 100; ++count)
    for (const auto act : curves_to_try) {
      const std::vector<float> a = make_values(count, false, draw), b = make_values(count, false, draw);
      const float* terms[] = {a.data(), b.data()};
      marked fast(compact(1, 1, count)), plain(compact(1, 1, count));
      sum(terms, count, act, fast.data());
      sum(terms, count, {}, plain.data());
      activate(act, compact(1, 1, count), plain.data());
      REQUIRE(fast.is_intact());
      REQUIRE(same_bits(fast.box(), plain.box()));
    }
}

TEST_CASE("the order of the terms shows in the bits", "[kernel][elementwise]") {
  const std::vector<float> large(40, 1e8f), small(40, 1.0f), minus(40, -1e8f);
  std::vector<float> out(40);
  const float* lost[] = {large.data(), small.data(), minus.data()};
  sum(lost, out.size(), {}, out.data());
  REQUIRE(out == std::vector<float>(40, 0.0f));
  const float* kept[] = {large.data(), minus.data(), small.data()};
  sum(kept, out.size(), {}, out.data());
  REQUIRE(out == small);
}

TEST_CASE("softmax", "[kernel][elementwise]") {
  generator draw(3);
  for (std::size_t count = 0; count < 100; ++count) {
    std::vector<float> in = make_values(count, false, draw);
    for (float& each : in) each *= 50;
    marked fast(compact(1, 1, count)), expected(compact(1, 1, count));
    softmax(count, in.data(), fast.data());
    reference::softmax(count, in.data(), expected.data());
    REQUIRE(fast.is_intact());
    for (std::size_t i = 0; i < count; ++i)
      REQUIRE(fast.at(0, 0, i) == Approx(expected.at(0, 0, i)).margin(1e-30));
    softmax(count, in.data(), in.data());
    REQUIRE(same_bits(in, fast.box()));
  }
}

TEST_CASE("softmax of large numbers does not overflow", "[kernel][elementwise]") {
  const float in[] = {3e38f, 3e38f, -3e38f};
  float out[3];
  softmax(3, in, out);
  REQUIRE(out[0] == 0.5f);
  REQUIRE(out[1] == 0.5f);
  REQUIRE(out[2] == 0.0f);
}
