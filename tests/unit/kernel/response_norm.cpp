// SPDX-License-Identifier: MIT
#include <iop/kernel/response_norm.hpp>

#include <iop/kernel/reference.hpp>

#include "catch.hpp"
#include "generate.hpp"

namespace {

using namespace iop::kernel;
using namespace iop::kernel::tests;
using iop::response_norm;

response_norm draw_norm(generator& draw) {
  constexpr float betas[] = {0.75f, 0.5f, 1.0f};
  return {draw.between(1, 9), draw.one_in(2) ? 1e-4f : 2.0f, betas[draw.between(0, 2)],
          draw.one_in(2) ? 1.0f : 2.0f};
}

}  // namespace

TEST_CASE("response normalisation worked by hand", "[kernel][response_norm]") {
  const std::vector<float> in{1, 2, 3};
  std::vector<float> out(3);
  local_response_norm({2, 2.0f, 1.0f, 1.0f}, 0, compact(1, 1, 3), in.data(), compact(1, 1, 3), out.data());
  CHECK(out[0] == Approx(1.0 / (1 + 1)));  // an even window reaches further back, as in PyTorch
  CHECK(out[1] == Approx(2.0 / (1 + 1 + 4)));
  CHECK(out[2] == Approx(3.0 / (1 + 4 + 9)));
}

TEST_CASE("response normalisation equals its definition", "[kernel][response_norm]") {
  generator draw(1);
  for (int trial = 0; trial < 400; ++trial) {
    const response_norm n = draw_norm(draw);
    extents in = compact(draw.between(0, 3), draw.between(1, 4), draw.between(1, 70)), out = in;
    if (draw.one_in(2)) in.pixel_stride += draw.between(1, 20);
    if (draw.one_in(2)) out.pixel_stride += draw.between(1, 20);
    std::vector<float> values = make_values(span_of(in), false, draw);
    for (float& each : values) each *= 3;
    marked fast(out), expected(out);
    local_response_norm(n, 0, in, values.data(), out, fast.data());
    reference::local_response_norm(n, 0, in, values.data(), out, expected.data());
    REQUIRE(fast.is_intact());
    const std::vector<float> got = fast.box(), want = expected.box();
    for (std::size_t i = 0; i < got.size(); ++i)
      REQUIRE(got[i] == Approx(want[i]).epsilon(2e-6).margin(1e-12));
  }
}

TEST_CASE("channel shards with their neighbours have the bits of the whole", "[kernel][response_norm]") {
  generator draw(2);
  for (int trial = 0; trial < 300; ++trial) {
    const response_norm n = draw_norm(draw);
    const extents whole = compact(2, 3, draw.between(1, 70));
    const std::vector<float> in = make_values(span_of(whole), false, draw);
    std::vector<float> expected(in.size()), joined(in.size());
    local_response_norm(n, 0, whole, in.data(), whole, expected.data());
    for (std::size_t first = 0; first < whole.channels;) {
      const std::size_t count = std::min(draw.between(1, 20), whole.channels - first);
      const std::size_t begin = first - std::min(first, n.size / 2);
      const std::size_t end = std::min(first + count + (n.size - 1) / 2, whole.channels);
      // Half the time in a buffer of its own, where reading further would be noticed.
      const bool alone = draw.one_in(2);
      std::vector<float> own;
      for (std::size_t p = 0; p < 6; ++p)
        for (std::size_t c = begin; c < end; ++c) own.push_back(in[p * whole.channels + c]);
      const extents held{2, 3, end - begin, alone ? end - begin : whole.pixel_stride};
      local_response_norm(n, first - begin, held, alone ? own.data() : in.data() + begin,
                          {2, 3, count, whole.pixel_stride}, joined.data() + first);
      first += count;
    }
    REQUIRE(same_bits(joined, expected));
  }
}
