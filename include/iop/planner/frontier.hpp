// SPDX-License-Identifier: MIT
#pragma once

// The ways worth keeping to run the operators up to some point. A way is a label: one clock per rank, the
// memory so far, and the values that later operators may read. Of two labels with the same values the one
// that is behind on every clock and needs no less memory is dropped, which loses nothing.

#include <iop/planner/remainder.hpp>

#include <cstddef>

namespace iop::planner {

/// Values that later operators may read, of one label.
inline constexpr std::size_t most_live = 16;

template <std::size_t Ranks>
struct label {
  std::size_t chosen = 0;       ///< option of this stage
  std::size_t previous = 0;     ///< label of the stage before
  route fetch = route::direct;  ///< of its inputs
  std::size_t live_count = 0;
  std::size_t live[most_live]{};  ///< numbers of values
  double clock[Ranks]{};          ///< seconds
  double latest = 0;              ///< of the clocks
  remainder behind{};             ///< the last operator on the spine, while its tensor has not moved
  rank_set busy = 0;              ///< ranks that ran it
  std::size_t typical_rank = 0;   ///< of them, see `stage`
  double ahead = 0;               ///< the least seconds to the end, when it has moved; else 0
  double bound = 0;               ///< no plan that goes on from here ends earlier
  double rank = 0;  ///< among others, the least first: the bound, longer where memory gets scarce
  std::size_t weights[Ranks]{};  ///< floats
  std::size_t peak[Ranks]{};     ///< floats of activations alive at once, at least
};

template <std::size_t Ranks, std::size_t Most>
class frontier {
 public:
  std::size_t count = 0;
  bool is_complete = true;  ///< nothing was dropped for lack of room
  double cut = no_limit;    ///< labels of a higher rank are of no interest
  layout_table<Ranks, Most> values{};

  column<std::size_t, Most> chosen{}, previous{};
  column<route, Most> fetch{};
  column<std::size_t, Most> live_count{};
  column<std::size_t, Most * most_live> live{};
  column<double, Most * Ranks> clock{};
  column<double, Most> latest{}, bound{}, ahead{};
  column<double, Most> onward{}, fewer{};  ///< what remains behind
  column<rank_set, Most> busy{};
  column<std::size_t, Most> typical_rank{};
  column<double, Most> rank{};
  column<std::size_t, Most * Ranks> weights{}, peak{};

  constexpr remainder behind(std::size_t n) const { return {onward[n], fewer[n]}; }
  constexpr bool is_cut(std::size_t n) const { return (is_light_ ? bound[n] : rank[n]) > cut; }

  constexpr label<Ranks> operator[](std::size_t n) const {
    label<Ranks> l;
    l.chosen = chosen[n], l.previous = previous[n], l.fetch = fetch[n];
    l.live_count = live_count[n];
    for (std::size_t k = 0; k < l.live_count; ++k) l.live[k] = live[n * most_live + k];
    for (std::size_t r = 0; r < Ranks; ++r) l.clock[r] = clock[n * Ranks + r];
    l.latest = latest[n], l.bound = bound[n], l.ahead = ahead[n];
    l.behind = behind(n);
    l.busy = busy[n], l.typical_rank = typical_rank[n];
    if (is_light_) return l;
    l.rank = rank[n];
    for (std::size_t r = 0; r < Ranks; ++r)
      l.weights[r] = weights[n * Ranks + r], l.peak[r] = peak[n * Ranks + r];
    return l;
  }

  constexpr void put(std::size_t n, const label<Ranks>& l) {
    chosen[n] = l.chosen, previous[n] = l.previous, fetch[n] = l.fetch;
    live_count[n] = l.live_count;
    for (std::size_t k = 0; k < l.live_count; ++k) live[n * most_live + k] = l.live[k];
    for (std::size_t r = 0; r < Ranks; ++r) clock[n * Ranks + r] = l.clock[r];
    latest[n] = l.latest, bound[n] = l.bound, ahead[n] = l.ahead;
    onward[n] = l.behind.onward, fewer[n] = l.behind.fewer;
    busy[n] = l.busy, typical_rank[n] = l.typical_rank;
    if (is_light_) return;
    rank[n] = l.rank;
    for (std::size_t r = 0; r < Ranks; ++r)
      weights[n * Ranks + r] = l.weights[r], peak[n * Ranks + r] = l.peak[r];
  }

  constexpr std::size_t push_back(const label<Ranks>& l) {
    const std::size_t n = count++;
    if constexpr (Most == unbounded) grow_by_one();
    put(n, l);
    return n;
  }

  constexpr frontier() = default;
  constexpr explicit frontier(bool memory_binds) : is_light_(!memory_binds) {}

 private:
  constexpr void grow_by_one() {
    grow_all(count, chosen, previous, fetch, live_count, latest, bound, ahead, onward, fewer, busy,
             typical_rank);
    grow(live, count * most_live);
    grow(clock, count * Ranks);
    if (is_light_) return;
    grow(rank, count);
    grow_all(count * Ranks, weights, peak);
  }

  bool is_light_ = true;  ///< memory is not counted
};

}  // namespace iop::planner
