// SPDX-License-Identifier: MIT
#include <iop/kernel/tile.hpp>

#include "catch.hpp"
#include "generate.hpp"

namespace {

using namespace iop::kernel;
using namespace iop::kernel::tests;

}  // namespace

TEST_CASE("a pixel has the same bits in every tile", "[kernel][tile]") {
  generator draw(1);
  constexpr std::size_t pixels = 31, run = 5;
  const std::vector<float> in = make_values(pixels * run, false, draw);
  for (std::size_t channels = 1; channels <= block_channels; ++channels) {
    const std::vector<float> weights = make_values(run * channels + simd::lanes - 1, false, draw);
    const std::vector<float> start = make_values(block_channels, false, draw);
    tile_job job;
    job.rows = job.columns = 1;
    job.run = job.in_step = run;
    job.out_step = job.channels = channels;
    job.weights = weights.data();
    job.start = start.data();
    marked single(compact(1, pixels, channels));
    for (std::size_t p = 0; p < pixels; ++p)
      tile_line(job, 1, in.data() + p * run, single.data() + p * channels);
    for (std::size_t count = 0; count <= pixels; ++count) {
      marked line(compact(1, count, channels));
      tile_line(job, count, in.data(), line.data());
      REQUIRE(line.is_intact());
      std::vector<float> expected = single.box();
      expected.resize(count * channels);
      REQUIRE(same_bits(line.box(), expected));
    }
  }
}
