// SPDX-License-Identifier: MIT
#include <iop/kernel/copy.hpp>

#include <iop/kernel/reference.hpp>

#include "catch.hpp"
#include "generate.hpp"

namespace {

using namespace iop::kernel;
using namespace iop::kernel::tests;

}  // namespace

TEST_CASE("copy moves the box and nothing around it", "[kernel][copy]") {
  generator draw(1);
  for (int shape = 0; shape < 500; ++shape) {
    extents from = compact(draw.between(0, 5), draw.between(1, 5), draw.between(0, 70));
    extents to = from;
    if (draw.one_in(2)) from.pixel_stride += draw.between(1, 20);
    if (draw.one_in(2)) to.pixel_stride += draw.between(1, 20);
    const std::vector<float> in = make_values(span_of(from), false, draw);
    marked out(to), expected(to);
    copy(from, in.data(), to, out.data());
    reference::copy(from, in.data(), to, expected.data());
    REQUIRE(out.is_intact());
    REQUIRE(same_bits(out.box(), expected.box()));
  }
}

TEST_CASE("channel shards put together are the whole", "[kernel][copy]") {
  generator draw(2);
  const extents whole = compact(3, 4, 50);
  const std::vector<float> in = make_values(span_of(whole), false, draw);
  std::vector<float> joined(in.size());
  for (std::size_t first = 0; first < whole.channels;) {
    const extents shard = compact(3, 4, std::min(draw.between(1, 20), whole.channels - first));
    const extents in_whole{3, 4, shard.channels, whole.pixel_stride};
    std::vector<float> local(span_of(shard));
    copy(in_whole, in.data() + first, shard, local.data());
    copy(shard, local.data(), in_whole, joined.data() + first);
    first += shard.channels;
  }
  REQUIRE(same_bits(joined, in));
}
