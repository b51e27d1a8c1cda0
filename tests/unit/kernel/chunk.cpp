// SPDX-License-Identifier: MIT
#include <iop/kernel/chunk.hpp>

#include <vector>

#include "catch.hpp"

TEST_CASE("chunks cover all channels and stay inside", "[kernel][chunk]") {
  for (std::size_t channels = 0; channels < 100; ++channels) {
    std::vector<bool> seen(channels);
    iop::kernel::for_each_chunk(channels, [&](std::size_t begin, std::size_t count) {
      REQUIRE(count == std::min(channels, iop::kernel::simd::lanes));
      REQUIRE(begin + count <= channels);
      for (std::size_t c = begin; c < begin + count; ++c) seen[c] = true;
    });
    for (const bool each : seen) REQUIRE(each);
  }
}
