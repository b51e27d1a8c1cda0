// SPDX-License-Identifier: MIT
// What an operator reads, against a walk over every weight of every output element.
#include <iop/spec/operators.hpp>

#include <algorithm>

#include "catch.hpp"

using iop::box;
using iop::kind;
using iop::op;

namespace {

/// The hull of what the outputs of `out` read.
box walk(const op& o, const box& out) {
  box hull{{o.in.height, 0}, {o.in.channels, 0}};
  const std::size_t outs = o.out.channels / o.groups, ins = o.in.channels / o.groups;
  for (std::size_t y = out.rows.begin; y < out.rows.end; ++y)
    for (std::size_t i = 0; i < o.win.kernel_height; ++i) {
      const std::size_t padded = y * o.win.stride_height + i;
      if (padded < o.win.pad_top || padded - o.win.pad_top >= o.in.height) continue;
      hull.rows.begin = std::min(hull.rows.begin, padded - o.win.pad_top);
      hull.rows.end = std::max(hull.rows.end, padded - o.win.pad_top + 1);
    }
  for (std::size_t c = out.channels.begin; c < out.channels.end; ++c)
    for (std::size_t i = 0; i < o.in.channels; ++i) {
      const bool read = o.what == kind::conv2d ? c / outs == i / ins : c == i;
      if (!read) continue;
      hull.channels.begin = std::min(hull.channels.begin, i);
      hull.channels.end = std::max(hull.channels.end, i + 1);
    }
  return hull;
}

}  // namespace

TEST_CASE("needed_input is what a walk over the weights meets", "[spec]") {
  op o;
  o.in = {12, 9, 5};
  o.win = {3, 1, 2, 1, 1, 1, 1, 1, 0, 0};
  for (const kind what : {kind::conv2d, kind::max_pool, kind::average_pool})
    for (const std::size_t groups : {1u, 2u, 3u, 12u}) {
      if (what != kind::conv2d && groups > 1) continue;
      o.what = what;
      o.groups = groups;
      o.out = {what == kind::conv2d ? 24u : 12u, 5, 5};
      for (std::size_t top = 0; top < 5; ++top)
        for (std::size_t bottom = top + 1; bottom <= 5; ++bottom)
          for (std::size_t first = 0; first < o.out.channels; ++first)
            for (std::size_t last = first + 1; last <= o.out.channels; ++last) {
              const box out{{top, bottom}, {first, last}};
              if (needed_input(o, out) == walk(o, out)) continue;
              FAIL("kind " << name_of(what) << " groups " << groups << " rows " << top << " to " << bottom
                           << " channels " << first << " to " << last);
            }
    }
  SUCCEED();
}

TEST_CASE("shares of an operator have all its weights and multiply-adds between them", "[spec]") {
  op o;
  o.what = kind::conv2d;
  o.in = {7, 8, 6};
  o.out = {11, 4, 3};
  o.win = {3, 5};
  CHECK(weight_count(o, 4, 7) + weight_count(o, 7, 7) == parameter_count(o));
  CHECK(weight_count(o, 11, 2) + weight_count(o, 11, 5) == parameter_count(o));
  CHECK(multiply_adds(o, 5, 11, 7) + multiply_adds(o, 7, 11, 7) == 11u * 7 * 15 * 12);
  o.bias = true;
  CHECK(parameter_count(o) == 11 * 7 * 15 + 11);
}
