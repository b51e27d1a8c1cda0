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
  std::size_t fullest;         ///< the first that has the most
  double floats, least, most;  ///< of all of them, and of one; of one column
  bool all_rows;               ///< nobody's rows are cut
  bool all_channels;           ///< nobody's channels are cut
  // Of what is held, not of what is needed:
  bool is_everywhere;  ///< together the ranks hold all, cut along one dimension
  bool is_cut_once;    ///< what is cut is held by one rank, or is a sum's term
  sharing shared;      ///< not of a sum
};

template <std::size_t Ranks>
constexpr known_layout<Ranks> look_at(const holding<Ranks>& h, const shape& extent, bool is_held) {
  known_layout<Ranks> k{};
  layout<Ranks> of = h.of;
  k.held = h;
  k.all_rows = k.all_channels = true;
  std::size_t all = 0, least = 0, most = 0, rows = 0, channels = 0;
  int count = 0;
  for (std::size_t r = 0; r < Ranks; ++r) {
    if (of.rows.end[r] == 0) continue;
    if (count++ < 2) k.second = r;
    if (of.rows.end[r] - of.rows.begin[r] != rows ||
        of.channels.end[r] - of.channels.begin[r] != channels) {  // not as large as the one before
      rows = of.rows.end[r] - of.rows.begin[r], channels = of.channels.end[r] - of.channels.begin[r];
      const std::size_t here = rows * channels;
      if (count == 1 || here < least) least = here;
      if (here > most) most = here, k.fullest = r;
      if (rows != extent.height) k.all_rows = false;
      if (channels != extent.channels) k.all_channels = false;
    }
    all += rows * channels;
  }
  k.count = count;
  k.floats = static_cast<double>(all), k.least = static_cast<double>(least);
  k.most = static_cast<double>(most);
  k.is_cut_once = h.is_partial;
  if (h.is_partial || !is_held) return k;
  if (count > 0 && k.all_rows && k.all_channels) {
    k.is_everywhere = k.is_cut_once = true;
    k.shared = {false, count == 1, count > 1};
    return k;
  }
  if (k.all_rows != k.all_channels) {  // mostly shares follow one another
    ranges<Ranks> cut = k.all_rows ? of.channels : of.rows;
    std::size_t at = 0;
    for (std::size_t r = 0; r < Ranks; ++r)
      if (cut.end[r] > at && cut.begin[r] <= at) at = cut.end[r];
    k.is_everywhere = at == (k.all_rows ? extent.channels : extent.height);
    k.is_cut_once = k.is_everywhere && all == extent.height * extent.channels;
    k.shared = {k.all_rows, k.is_cut_once, false};
    if (k.is_everywhere) return k;
    layout<Ranks> everything{};
    everything.put(k.second, whole(extent));
    k.is_everywhere = covers(of, everything);
  }
  k.shared = sharing_of(of, extent);
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
  constexpr std::size_t number_of(const holding<Ranks>& h, const shape& extent, bool is_held = true) {
    const std::size_t before = count, n = number_of(h);
    if (n == before) entries[n] = look_at(h, extent, is_held);
    return n;
  }
  constexpr std::size_t number_of(const known_layout<Ranks>& known) {
    const std::size_t before = count, n = number_of(known.held);
    if (n == before) entries[n] = known;
    return n;
  }

 private:
  /// What is known of a new one is put there next.
  constexpr std::size_t number_of(const holding<Ranks>& h) {
    holding<Ranks> key = h;
    std::size_t r = 0;  // the first share tells most of them apart
    while (r + 1 < Ranks && key.of.rows.end[r] == 0) ++r;
    const std::size_t hash = key.tensor + (key.is_partial ? 1 : 0) + key.of.ranks + key.of.rows.begin[r] +
                             3 * key.of.rows.end[r] + 5 * key.of.channels.begin[r] +
                             7 * key.of.channels.end[r];
    std::size_t& first = firsts_[hash % std::size(firsts_)];
    for (std::size_t n = first; n != 0; n = nexts_[n - 1])
      if (ranks[n - 1] == key.of.ranks && key == entries[n - 1].held) return n - 1;
    const std::size_t n = count++;
    if constexpr (Most == unbounded) grow(entries, count), grow(ranks, count), grow(nexts_, count);
    ranks[n] = key.of.ranks;
    nexts_[n] = first;
    first = count;
    return n;
  }

  // Chains of those with the same hash: numbers plus 1.
  std::size_t firsts_[64]{};
  column<std::size_t, Most> nexts_{};
};

}  // namespace iop::planner
