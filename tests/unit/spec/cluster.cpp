// SPDX-License-Identifier: MIT
#include <iop/spec/cluster.hpp>

#include "catch.hpp"

using namespace iop::literals;

namespace {
constexpr iop::device camera{"camera", 2_GFLOPs, 1_GBps, 64_MiB}, hub{"hub", 10_GFLOPs, 3_GBps, 1_GiB},
    sensor{"sensor", 1_GFLOPs, 1_GBps, 8_MiB};
constexpr iop::link wifi{50_Mbitps, 3_ms, true}, cable{1_Gbitps, 100_us};
}  // namespace

TEST_CASE("devices rank in the order in which they are written, one link joins all", "[spec]") {
  const iop::cluster c{camera, hub, sensor, wifi};
  REQUIRE(c.size() == 3);
  CHECK(c.devices[0] == camera);
  CHECK(c.devices[2].name == "sensor");
  for (std::size_t a = 0; a < 3; ++a)
    for (std::size_t b = 0; b < 3; ++b) CHECK(c.between(a, b) == wifi);
  CHECK(c.shared_medium());
}

TEST_CASE("with_link replaces one pair, in both directions, in a copy", "[spec]") {
  const iop::cluster before{camera, hub, sensor, cable};
  const iop::cluster after = before.with_link(2, 0, wifi);
  CHECK(after.between(0, 2) == wifi);
  CHECK(after.between(2, 0) == wifi);
  CHECK(after.between(0, 1) == cable);
  CHECK(after.between(1, 2) == cable);
  CHECK(before.between(2, 0) == cable);
  CHECK_FALSE(before == after);
  CHECK(after.with_link(0, 2, cable) == before);
}
