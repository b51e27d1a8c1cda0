// SPDX-License-Identifier: MIT
#include <iop/core/range.hpp>

#include "catch.hpp"

using iop::range;

TEST_CASE("sizes of ranges, also of inverted ones", "[core]") {
  CHECK(range{2, 7}.size() == 5);
  CHECK(range{3, 3}.size() == 0);
  CHECK(range{7, 2}.size() == 0);
  CHECK(range{7, 2}.empty());
  CHECK_FALSE(range{2, 3}.empty());
}

TEST_CASE("containment and intersection are those of the sets of numbers", "[core]") {
  const auto has = [](range r, std::size_t i) { return r.begin <= i && i < r.end; };
  for (std::size_t code = 0; code < 6 * 6 * 6 * 6; ++code) {
    const range a{code % 6, code / 6 % 6}, b{code / 36 % 6, code / 216};
    bool contained = true, same = true;
    for (std::size_t i = 0; i < 6; ++i) {
      contained = contained && (!has(b, i) || has(a, i));
      same = same && has(intersect(a, b), i) == (has(a, i) && has(b, i));
    }
    INFO("[" << a.begin << ", " << a.end << ") and [" << b.begin << ", " << b.end << ")");
    CHECK(a.contains(b) == contained);
    CHECK(same);
    if (intersect(a, b).empty()) CHECK(intersect(a, b) == range{});
  }
}
