// SPDX-License-Identifier: MIT
#pragma once

// Which devices may work together on an operator.

#include <iop/core/fixed_vector.hpp>
#include <iop/planner/plan.hpp>
#include <iop/spec/cluster.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>

namespace iop::planner {

/// True when exchanging two devices changes nothing but the endpoints.
template <std::size_t Ranks>
constexpr bool are_alike(const cluster<Ranks>& c) {
  for (std::size_t a = 0; a < Ranks; ++a) {
    device other = c.devices[a];
    other.name = c.devices[0].name;
    if (!(other == c.devices[0])) return false;
    for (std::size_t b = 0; b < Ranks; ++b)
      if (a != b && !(c.between(a, b) == c.between(Ranks > 1 ? 1 : 0, 0))) return false;
  }
  return true;
}

/// All sets of two and more of up to four devices. Of more: for each number of devices the fastest, the
/// largest, and all but one. Of alike devices one set stands for all that differ in names only.
template <std::size_t Ranks>
constexpr fixed_vector<rank_set, 64> member_sets(const cluster<Ranks>& c, endpoints ends) {
  fixed_vector<rank_set, 64> sets;
  const bool alike = Ranks > 3 && are_alike(c);
  const auto class_of = [&](rank_set s) {
    return count_of(s) * 4 + (has(s, ends.input_rank) ? 2 : 0) + (has(s, ends.output_rank) ? 1 : 0);
  };
  const auto add = [&](rank_set s) {
    if (class_of(s) < 8) return;
    for (const rank_set earlier : sets)
      if (earlier == s || (alike && class_of(earlier) == class_of(s))) return;
    sets.push_back(s);
  };
  const rank_set all = first_ranks(Ranks);
  add(all);
  if (Ranks <= 4) {
    for (rank_set s = 1; s < all; ++s) add(s);
    return sets;
  }
  std::size_t order[Ranks]{};
  const auto add_prefixes = [&](auto&& key) {
    for (std::size_t r = 0; r < Ranks; ++r) order[r] = r;
    const auto is_end = [&](std::size_t r) { return r == ends.input_rank || r == ends.output_rank; };
    std::sort(order, order + Ranks, [&](std::size_t a, std::size_t b) {
      if (key(a) != key(b)) return key(a) > key(b);
      return is_end(a) != is_end(b) ? is_end(a) : a < b;
    });
    rank_set chosen = 0;
    for (const std::size_t r : order) add(chosen |= rank_set{1} << r);
  };
  add_prefixes([&](std::size_t r) { return c.devices[r].compute.flops_per_second; });
  add_prefixes([&](std::size_t r) { return static_cast<double>(c.devices[r].memory.bytes); });
  for (std::size_t r = 0; r < Ranks; ++r) add(all & ~(rank_set{1} << r));
  return sets;
}

}  // namespace iop::planner
