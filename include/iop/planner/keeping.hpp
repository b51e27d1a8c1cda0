// SPDX-License-Identifier: MIT
#pragma once

// Which labels of a step are kept: of two with the same values the one that is behind on every clock and
// needs no less memory is dropped, and of too many that make the same value the least promising one.

#include <iop/planner/frontier.hpp>

#include <cstddef>
#include <utility>

namespace iop::planner {

template <std::size_t Most, std::size_t Operators, std::size_t Ranks>
class keeping {
 public:
  /// At most `width` labels for each value made; `compares`: of two labels the worse is dropped.
  constexpr keeping(const problem<Operators, Ranks>& p, std::size_t index, const stage<Ranks, Most>& own,
                    std::size_t width, bool compares)
      : p_(p), i_(index), stage_(own), width_(width), compares_(compares), made_(p.memory_binds) {
    grow(first_of_value_, own.values.count);
    grow(width_of_value_, own.values.count);
    for (std::size_t v = 0; v < own.values.count; ++v) first_of_value_[v] = nowhere;
  }

  constexpr frontier<Ranks, Most>& labels() { return made_; }
  constexpr const frontier<Ranks, Most>& labels() const { return made_; }

  constexpr void insert(const label<Ranks>& next, std::size_t value) {
    for (std::size_t n = first_of_value_[value]; compares_ && n != nowhere; n = next_of_value_[n]) {
      const double latest = made_.latest[n];
      if (!continues_alike(made_.chosen[n], next.chosen)) continue;
      const int live = compare_live(next, n);
      if ((live & 2) != 0 && latest <= next.latest && is_no_better(next, n)) return;
      if ((live & 1) != 0 && next.latest <= latest && is_no_better(n, next)) {
        // It may beat several; those that it also beats stay, which only costs time.
        made_.put(n, next);
        return;
      }
    }
    if (width_of_value_[value] == width_) {
      made_.is_complete = false;
      std::size_t worst = first_of_value_[value];
      double worst_rating = 0;
      for (std::size_t n = worst; n != nowhere; n = next_of_value_[n])
        if (rating(made_[n]) > worst_rating) worst = n, worst_rating = rating(made_[n]);
      if (rating(next) < worst_rating) made_.put(worst, next);
      return;
    }
    ++width_of_value_[value];
    const std::size_t n = made_.push_back(next);
    grow(next_of_value_, n + 1);
    next_of_value_[n] = first_of_value_[value];
    first_of_value_[value] = n;
  }

 private:
  constexpr bool is_no_better(std::size_t a, const label<Ranks>& b) const {
    for (std::size_t r = 0; r < Ranks; ++r)
      if (made_.clock[a * Ranks + r] < b.clock[r]) return false;
    if (!p_.memory_binds) return true;
    // What follows adds the same weights to both, and counts only where it needs more than the peak.
    for (std::size_t r = 0; r < Ranks; ++r) {
      const std::size_t weights = made_.weights[a * Ranks + r], peak = made_.peak[a * Ranks + r];
      if (weights < b.weights[r] || weights + peak < b.weights[r] + b.peak[r]) return false;
    }
    return true;
  }
  constexpr bool is_no_better(const label<Ranks>& a, std::size_t b) const {
    for (std::size_t r = 0; r < Ranks; ++r)
      if (a.clock[r] < made_.clock[b * Ranks + r]) return false;
    if (!p_.memory_binds) return true;
    for (std::size_t r = 0; r < Ranks; ++r) {
      const std::size_t weights = made_.weights[b * Ranks + r], peak = made_.peak[b * Ranks + r];
      if (a.weights[r] < weights || a.weights[r] + a.peak[r] < weights + peak) return false;
    }
    return true;
  }

  /// What is dropped first where there is no room: what ends late, or leaves little memory.
  constexpr double rating(const label<Ranks>& l) const {
    double fullest = 0;
    for (std::size_t r = 0; r < Ranks && p_.memory_binds; ++r) {
      const double share = static_cast<double>((l.weights[r] + l.peak[r]) * sizeof(float)) /
                           static_cast<double>(p_.devices->devices[r].memory.bytes);
      if (share > fullest) fullest = share;
    }
    return l.bound * (1 + fullest);
  }

  /// More values than another has do no harm where there is memory for them. 1: a has all of b, 2: b all of
  /// a.
  constexpr int compare_live(const label<Ranks>& a, std::size_t b) const {
    const std::size_t count = made_.live_count[b];
    if (a.live_count == count) {
      std::size_t k = 0;
      while (k < count && a.live[k] == made_.live[b * most_live + k]) ++k;
      if (k == count) return 3;
    }
    if (p_.memory_binds) return 0;
    int found = 3;
    for (std::size_t k = 0; k < count && (found & 1) != 0; ++k) {
      std::size_t j = 0;
      while (j < a.live_count && a.live[j] != made_.live[b * most_live + k]) ++j;
      if (j == a.live_count) found &= ~1;
    }
    for (std::size_t j = 0; j < a.live_count && (found & 2) != 0; ++j) {
      std::size_t k = 0;
      while (k < count && a.live[j] != made_.live[b * most_live + k]) ++k;
      if (k == count) found &= ~2;
    }
    return found;
  }

  /// Inside a segment the same value may have to become different ones.
  constexpr bool continues_alike(std::size_t a, std::size_t b) const {
    if (a == b) return true;
    const auto& of = stage_.options;
    const bool a_ends = of.fused_until[a] <= i_, b_ends = of.fused_until[b] <= i_;
    return a_ends && b_ends;
  }

  const problem<Operators, Ranks>& p_;
  std::size_t i_;
  const stage<Ranks, Most>& stage_;
  std::size_t width_;
  bool compares_;
  frontier<Ranks, Most> made_;
  column<std::size_t, Most> first_of_value_{}, next_of_value_{},
      width_of_value_{};  ///< labels by the value made
};

}  // namespace iop::planner
