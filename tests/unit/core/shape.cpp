// SPDX-License-Identifier: MIT
// Facts about boxes against the definition: a compact buffer lists rows, then columns, then channels.
#include <iop/core/shape.hpp>

#include <algorithm>
#include <vector>

#include "catch.hpp"

using iop::box;

namespace {

/// Where the elements of `inner` lie in the buffer of `outer`.
std::vector<std::size_t> positions(const box& inner, const box& outer, std::size_t width) {
  std::vector<std::size_t> found;
  std::size_t at = 0;
  for (std::size_t y = outer.rows.begin; y < outer.rows.end; ++y)
    for (std::size_t x = 0; x < width; ++x)
      for (std::size_t c = outer.channels.begin; c < outer.channels.end; ++c, ++at)
        if (inner.rows.begin <= y && y < inner.rows.end && inner.channels.begin <= c &&
            c < inner.channels.end)
          found.push_back(at);
  return found;
}

template <class Visit>
void for_each_box_in(const box& outer, Visit visit) {
  for (std::size_t top = outer.rows.begin; top < outer.rows.end; ++top)
    for (std::size_t bottom = top + 1; bottom <= outer.rows.end; ++bottom)
      for (std::size_t first = outer.channels.begin; first < outer.channels.end; ++first)
        for (std::size_t last = first + 1; last <= outer.channels.end; ++last)
          visit(box{{top, bottom}, {first, last}});
}

}  // namespace

TEST_CASE("offset, count and contiguity of a box in a box", "[core]") {
  for (const box& outer :
       {box{{0, 3}, {0, 4}}, box{{2, 5}, {1, 4}}, box{{5, 6}, {3, 6}}, box{{1, 4}, {2, 3}}})
    for (const std::size_t width : {1u, 2u, 3u})
      for_each_box_in(outer, [&](const box& inner) {
        const auto at = positions(inner, outer, width);
        INFO("rows " << inner.rows.begin << " to " << inner.rows.end << ", channels " << inner.channels.begin
                     << " to " << inner.channels.end << ", width " << width);
        REQUIRE(!at.empty());
        CHECK(element_count(inner, width) == at.size());
        CHECK(offset_of(inner, outer, width) == at.front());
        CHECK(is_contiguous(inner, outer, width) == (at.back() - at.front() + 1 == at.size()));
      });
}

TEST_CASE("boxes contain and intersect in both dimensions", "[core]") {
  const box b{{2, 6}, {3, 9}};
  CHECK(b.contains({{2, 3}, {8, 9}}));
  CHECK_FALSE(b.contains({{1, 3}, {4, 5}}));
  CHECK_FALSE(b.contains({{2, 3}, {8, 10}}));
  CHECK(b.contains({{50, 60}, {3, 3}}));  // empty
  CHECK(intersect(b, {{4, 8}, {0, 5}}) == box{{4, 6}, {3, 5}});
  CHECK(intersect(b, {{4, 8}, {9, 12}}) == box{});  // one dimension apart is apart
}

TEST_CASE("a shape's whole and its size", "[core]") {
  const iop::shape s{5, 7, 3};
  CHECK(s.size() == 105);
  CHECK(whole(s) == box{{0, 7}, {0, 5}});
  CHECK(element_count(whole(s), s.width) == s.size());
}
