// SPDX-License-Identifier: MIT
#include <iop/kernel/region.hpp>

#include "catch.hpp"
#include "generate.hpp"

namespace {

using namespace iop::kernel;
using namespace iop::kernel::tests;

bool hits(const axis& a, std::size_t output, std::size_t tap) {
  return a.position(output, tap) >= 0 && a.position(output, tap) < static_cast<std::ptrdiff_t>(a.extent);
}

}  // namespace

TEST_CASE("taps are those that hit the input, from either side", "[kernel][region]") {
  generator draw(1);
  for (int shape = 0; shape < 500; ++shape) {
    const axis a = vertical(make_window(draw));
    for (std::size_t o = 0; o < a.count; ++o) {
      const iop::range taps = a.taps(o);
      bool all = true;
      for (std::size_t k = 0; k < a.kernel; ++k) {
        REQUIRE(hits(a, o, k) == taps.contains({k, k + 1}));
        REQUIRE(hits(a, o, k) == (!a.outputs(k).empty() && a.outputs(k).contains({o, o + 1})));
        all = all && hits(a, o, k);
      }
      REQUIRE(all == (!a.interior().empty() && a.interior().contains({o, o + 1})));
    }
  }
}

TEST_CASE("regions cover the output once and agree on their taps", "[kernel][region]") {
  generator draw(2);
  for (int shape = 0; shape < 300; ++shape) {
    const windowed g = make_window(draw);
    std::vector<int> visits(g.out.height * g.out.width);
    for_each_region(g, [&](const region& r) {
      for (std::size_t y = r.rows.begin; y < r.rows.end; ++y)
        for (std::size_t x = r.columns.begin; x < r.columns.end; ++x) {
          ++visits[y * g.out.width + x];
          REQUIRE(r.kernel_rows == vertical(g).taps(y));
          REQUIRE(r.kernel_columns == horizontal(g).taps(x));
        }
      if (r.sees_input()) REQUIRE(input_offset(g, r) < g.in.height * g.in.row_stride());
    });
    REQUIRE(std::all_of(visits.begin(), visits.end(), [](int n) { return n == 1; }));
  }
}
