// SPDX-License-Identifier: MIT
#include <iop/spec/winograd.hpp>

#include <algorithm>

#include "catch.hpp"

namespace {

struct shape {
  std::size_t rows, width, ins, outs;
};

/// Of all strips of rows, slices of input channels and slices of output channels.
std::size_t largest_workspace_of_parts(const shape& s) {
  std::size_t largest = 0;
  for (std::size_t rows = 0; rows <= s.rows; ++rows)
    for (std::size_t ins = s.ins % 8; ins <= s.ins; ins += 8)
      for (std::size_t outs = s.outs % 8; outs <= s.outs; outs += 8)
        largest = std::max(largest, iop::winograd_workspace(rows, s.width, ins, outs));
  return largest;
}

}  // namespace

TEST_CASE("no part of a convolution has a larger workspace than is counted for the parts",
          "[spec][winograd]") {
  const std::size_t channels[] = {1, 3, 16, 40, 64, 65, 80, 96, 128, 255, 300, 512};
  const shape planes[] = {{1, 1, 0, 0},   {5, 7, 0, 0},   {7, 7, 0, 0},
                          {14, 14, 0, 0}, {28, 28, 0, 0}, {37, 30, 0, 0}};
  std::size_t exceed_the_whole = 0;
  for (shape s : planes)
    for (const std::size_t ins : channels)
      for (const std::size_t outs : {std::size_t{2}, std::size_t{24}, std::size_t{64}, std::size_t{100}}) {
        s.ins = ins, s.outs = outs;
        INFO(s.rows << " x " << s.width << " pixels, " << s.ins << " to " << s.outs << " channels");
        const std::size_t whole = iop::winograd_workspace(s.rows, s.width, s.ins, s.outs);
        const std::size_t parts = largest_workspace_of_parts(s);
        REQUIRE(parts <= iop::most_winograd_workspace(s.rows, s.width, s.ins, s.outs));
        exceed_the_whole += parts > whole;
      }
  CHECK(exceed_the_whole > 0);  // otherwise the whole's own workspace were bound enough
}
