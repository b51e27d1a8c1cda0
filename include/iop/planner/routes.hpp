// SPDX-License-Identifier: MIT
#pragma once

// The ways by which a tensor can move from one layout to another, round by round: directly, in shards that
// are gathered again, through one rank, in growing blocks.

#include <iop/core/fixed_vector.hpp>
#include <iop/planner/layout.hpp>
#include <iop/planner/plan.hpp>

#include <cstddef>

namespace iop::planner {

/// Shard `index` of `count` nearly equal ones, along rows where there are enough, else along channels.
constexpr box even_shard(const shape& s, std::size_t index, std::size_t count) {
  const auto cut = [&](std::size_t total) {
    return range{total * index / count, total * (index + 1) / count};
  };
  box shard = whole(s);
  (s.height >= count ? shard.rows : shard.channels) = cut(s.height >= count ? s.height : s.channels);
  return shard.empty() ? box{} : shard;
}

/// Smallest factor above 1; gathering in blocks of prime factors needs the fewest messages.
constexpr std::size_t smallest_factor(std::size_t n) {
  for (std::size_t f = 2; f * f <= n; ++f)
    if (n % f == 0) return f;
  return n;
}

/// The rank that collects on the way is one that needs the result.
template <std::size_t Ranks>
constexpr std::size_t collecting_rank(const endpoints& ends, const layout<Ranks>& needed) {
  if (has(needed.ranks, ends.output_rank)) return ends.output_rank;
  for (std::size_t r = 0; r < Ranks; ++r)
    if (has(needed.ranks, r)) return r;
  return 0;
}

/// How many ranks hold something of a value and how many need it.
struct spread {
  std::size_t holding = 0;
  std::size_t wanting = 0;
  bool all_whole = true;  ///< who needs something needs everything
};

template <std::size_t Ranks>
constexpr spread spread_of(const layout<Ranks>& from, const layout<Ranks>& needed, const shape& extent) {
  spread s;
  for (std::size_t r = 0; r < Ranks; ++r) {
    s.holding += from.rows.end[r] > 0;
    if (needed.rows.end[r] == 0) continue;
    s.wanting += 1;
    if (needed.rows.end[r] - needed.rows.begin[r] != extent.height ||
        needed.channels.end[r] - needed.channels.begin[r] != extent.channels)
      s.all_whole = false;
  }
  return s;
}

/// True when a route can be better than the direct one: all but that are for ranks that need everything.
constexpr bool pays(const spread& s, bool is_partial, route how) {
  if (how == route::direct || !s.all_whole) return false;
  if (how == route::via_root) return s.holding > 1 && s.wanting > 1;
  if (how != route::scatter_gather && smallest_factor(s.wanting) == s.wanting) return false;
  if (how == route::doubling) return !is_partial && s.holding > 1;
  // Summing in shards pays even for one rank.
  return is_partial ? s.holding > 1 : s.holding == 1 && s.wanting > 2;
}

/// What a value becomes on its way to where it is needed, round by round.
template <std::size_t Ranks>
using round_layouts = fixed_vector<layout<Ranks>, 6>;

/// How a route brings `from` to the needed boxes; directly where the route does not pay.
template <std::size_t Ranks>
constexpr round_layouts<Ranks> rounds_of(const layout<Ranks>& from, bool is_partial,
                                         const layout<Ranks>& needed, route how, const shape& extent,
                                         std::size_t root) {
  round_layouts<Ranks> rounds;
  layout<Ranks> now = from;
  const auto add = [&](const layout<Ranks>& wanted, bool only_wanted = false) {
    layout<Ranks> next = wanted;
    for (std::size_t r = 0; r < Ranks; ++r) {
      // A rank that already holds what it needs keeps its buffer as it is.
      if (is_partial || now.rows.end[r] == 0 || (only_wanted && wanted.rows.end[r] == 0)) continue;
      if (wanted.rows.end[r] > 0 &&
          (now.rows.begin[r] > wanted.rows.begin[r] || now.rows.end[r] < wanted.rows.end[r] ||
           now.channels.begin[r] > wanted.channels.begin[r] || now.channels.end[r] < wanted.channels.end[r]))
        continue;
      next.rows.begin[r] = now.rows.begin[r], next.rows.end[r] = now.rows.end[r];
      next.channels.begin[r] = now.channels.begin[r], next.channels.end[r] = now.channels.end[r];
      next.ranks |= rank_set{1} << r;
    }
    now = next;
    is_partial = false;
    rounds.push_back(next);
  };
  if (!pays(spread_of(from, needed, extent), is_partial, how)) {
    if (is_partial || !provides(now, needed)) add(needed);
    return rounds;
  }
  if (how == route::via_root) {
    layout<Ranks> collected{};
    collected.put(root, whole(extent));
    add(collected);
  }
  std::size_t members[Ranks]{}, holders[Ranks]{}, count = 0, holding = 0;
  for (std::size_t r = 0; r < Ranks; ++r) {
    if (from.rows.end[r] > 0) holders[holding++] = r;
    if (needed.rows.end[r] > 0) members[count++] = r;
  }
  if (how == route::scatter_gather || how == route::scatter_doubling) {
    // Who gets no shard has none: what it holds may be cut along the other dimension.
    layout<Ranks> shards{};
    const std::size_t parts = is_partial ? holding : count;
    for (std::size_t i = 0; i < parts; ++i)
      shards.put(is_partial ? holders[i] : members[i], even_shard(extent, i, parts));
    add(shards, true);
  }
  if (!is_partial && (how == route::doubling || how == route::scatter_doubling)) {
    layout<Ranks> shards = now;
    for (std::size_t block = smallest_factor(count); block < count; block *= smallest_factor(count / block)) {
      layout<Ranks> blocks{};
      for (std::size_t i = 0; i < count; ++i) {
        box all{};
        for (std::size_t j = i / block * block; j < (i / block + 1) * block; ++j)
          all = hull(all, shards[members[j]]);
        blocks.put(members[i], all);
      }
      add(blocks);
    }
  }
  if (is_partial || !provides(now, needed)) add(needed);
  return rounds;
}

}  // namespace iop::planner
