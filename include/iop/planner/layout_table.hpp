// SPDX-License-Identifier: MIT
#pragma once

// Layouts of a tensor, numbered, with what bounds of moves need to know about each; equal ones have one
// number.

#include <iop/planner/column.hpp>
#include <iop/planner/move.hpp>

#include <cstddef>
#include <iterator>

namespace iop::planner {

/// Of the layouts of one tensor, one column is in units of floats of a row's and a channel's length: the
/// tensor's width is left out.
template <std::size_t Ranks>
struct known_layout {
  holding<Ranks> held;
  int count;                   ///< of its ranks
  std::size_t second;          ///< of them, or the only one
  double floats, least, most;  ///< of all of them, and of one; of one column
  bool all_rows;               ///< nobody's rows are cut
  bool all_channels;           ///< nobody's channels are cut
  bool is_everywhere;          ///< together the ranks hold all, cut along one dimension
  bool is_cut_once;            ///< what is cut is held by one rank, or is a sum's term
};

template <std::size_t Ranks>
constexpr known_layout<Ranks> look_at(const holding<Ranks>& h, const shape& extent) {
  known_layout<Ranks> k{};
  k.held = h;
  k.all_rows = k.all_channels = true;
  const layout<Ranks>& of = h.of;
  for (std::size_t r = 0; r < Ranks; ++r) {
    if (of.bottom[r] == 0) continue;
    const std::size_t rows = of.bottom[r] - of.top[r], channels = of.last[r] - of.first[r];
    const double here = static_cast<double>(rows * channels);
    k.floats += here;
    if (k.count == 0 || here < k.least) k.least = here;
    if (here > k.most) k.most = here;
    if (k.count++ < 2) k.second = r;
    if (rows != extent.height) k.all_rows = false;
    if (channels != extent.channels) k.all_channels = false;
  }
  k.is_cut_once = h.is_partial;
  if (h.is_partial || k.count == 0 || (!k.all_rows && !k.all_channels)) return k;
  if (k.all_rows && k.all_channels) {
    k.is_everywhere = k.is_cut_once = true;
    return k;
  }
  // Mostly shares follow one another.
  const auto& begin = k.all_rows ? of.first : of.top;
  const auto& end = k.all_rows ? of.last : of.bottom;
  const std::size_t length = k.all_rows ? extent.channels : extent.height;
  std::size_t at = 0;
  for (std::size_t r = 0; r < Ranks; ++r)
    if (begin[r] <= at && end[r] > at) at = end[r];
  k.is_everywhere = at == length;
  k.is_cut_once = k.is_everywhere && k.floats == static_cast<double>(extent.height * extent.channels);
  if (k.is_everywhere) return k;
  layout<Ranks> all{};
  all.put(k.second, whole(extent));
  k.is_everywhere = covers(of, all);
  return k;
}

template <std::size_t Ranks, std::size_t Most>
struct layout_table {
  std::size_t count = 0;
  column<known_layout<Ranks>, Most> entries{};
  column<rank_set, Most> ranks{};

  constexpr std::size_t size() const { return count; }
  constexpr const known_layout<Ranks>& operator[](std::size_t n) const { return entries[n]; }

  /// A layout that is new gets the next number.
  constexpr std::size_t number_of(const holding<Ranks>& h, const shape& extent) {
    // Small numbers, which compilers need not make anew.
    std::size_t hash = h.tensor + (h.is_partial ? 1 : 0);
    for (std::size_t r = 0; r < Ranks; ++r)
      if (h.of.bottom[r] != 0)
        hash += (r + 1) * (h.of.top[r] + 3 * h.of.bottom[r] + 5 * h.of.first[r] + 7 * h.of.last[r]);
    std::size_t& first = firsts_[hash % std::size(firsts_)];
    for (std::size_t n = first; n != 0; n = nexts_[n - 1])
      if (ranks[n - 1] == h.of.ranks && entries[n - 1].held == h) return n - 1;
    const std::size_t n = count++;
    grow(entries, count);
    grow(ranks, count);
    grow(nexts_, count);
    entries[n] = look_at(h, extent);
    ranks[n] = h.of.ranks;
    nexts_[n] = first;
    first = count;
    return n;
  }

 private:
  // Chains of those with the same hash: numbers plus 1.
  std::size_t firsts_[64]{};
  column<std::size_t, Most> nexts_{};
};

}  // namespace iop::planner
