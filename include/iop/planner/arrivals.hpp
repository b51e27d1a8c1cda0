// SPDX-License-Identifier: MIT
#pragma once

// Behind an exchange all clocks are equal. So of the labels that keep the same values besides, only the one
// that has the inputs of a query first is of interest.

#include <iop/planner/frontier.hpp>

#include <cstddef>

namespace iop::planner {

template <std::size_t Ranks, std::size_t Most>
class arrivals {
 public:
  constexpr explicit arrivals(std::size_t queries) : queries_(queries) {}

  /// The first slot, of one for each query, of the labels that keep certain values.
  constexpr std::size_t slots_of(const std::size_t (&kept)[most_live], std::size_t count) {
    for (std::size_t g = 0; g < groups_; ++g) {
      if (size_[g] != count) continue;
      std::size_t k = 0;
      while (k < count && values_[g * most_live + k] == kept[k]) ++k;
      if (k == count) return g * queries_;
    }
    const std::size_t g = groups_++, end = groups_ * queries_;
    if (end > room_in(seconds_)) return --groups_, nowhere;  // then nobody waits for others
    grow(size_, groups_);
    grow(values_, groups_ * most_live);
    grow(seconds_, end);
    grow(from_, end);
    size_[g] = count;
    for (std::size_t k = 0; k < count; ++k) values_[g * most_live + k] = kept[k];
    for (std::size_t slot = g * queries_; slot < end; ++slot) seconds_[slot] = no_limit;
    return g * queries_;
  }

  constexpr double seconds(std::size_t slot) const { return seconds_[slot]; }
  constexpr std::size_t from(std::size_t slot) const { return from_[slot]; }
  constexpr std::size_t query(std::size_t slot) const { return slot % queries_; }

  constexpr void put(std::size_t slot, std::size_t label, double seconds) {
    if (seconds_[slot] == no_limit) {
      grow(order_, count_ + 1);
      order_[count_++] = slot;
    }
    seconds_[slot] = seconds;
    from_[slot] = label;
  }

  /// Slots that somebody has arrived at.
  constexpr std::size_t count() const { return count_; }
  constexpr std::size_t operator[](std::size_t n) const { return order_[n]; }

 private:
  std::size_t queries_;
  std::size_t groups_ = 0, count_ = 0;
  column<std::size_t, Most> size_{};
  column<std::size_t, Most * most_live> values_{};
  column<double, Most * most_live> seconds_{};
  column<std::size_t, Most * most_live> from_{}, order_{};
};

}  // namespace iop::planner
