// SPDX-License-Identifier: MIT
#pragma once

// What bringing a value to the queries ahead takes at least, seen at a glance: from what is known of each
// query for all values, and of the value for all queries. It tells most of the moves that are too slow from
// those that are worth a look.

#include <iop/planner/queries_ahead.hpp>

#include <cstddef>

namespace iop::planner {

template <std::size_t Most, std::size_t Operators, std::size_t Ranks>
class glance {
 public:
  using queries = queries_ahead<Most, Operators, Ranks>;

  constexpr glance() = default;
  /// `is_read_before`: some of it may be elsewhere already, since others read it, too.
  constexpr glance(const problem<Operators, Ranks>& p, const op& maker, const known_layout<Ranks>& value,
                   bool is_read_before) {
    const bool is_sum = value.held.is_partial;
    layout<Ranks> of = value.held.of;
    if (!is_sum) {
      elsewhere_ = ~of.ranks;
      for (std::size_t r = 0; r < Ranks; ++r)
        here_[r] = static_cast<double>((of.rows.end[r] - of.rows.begin[r]) *
                                       (of.channels.end[r] - of.channels.begin[r]));
    }
    const double others = value.count - 1, message = p.least_message;
    // A sum takes a message of each summand, and one of a single summand may be where it is needed.
    soonest_ = is_sum && (!is_read_before || value.count == 1) ? others * message : message;
    per_float_ = soonest_ > 0 ? static_cast<double>(maker.out.width) * p.least_per_float : 0;
    if (is_read_before) return;
    is_spread_ = is_sum || value.count == 1;
    is_gathered_ = !is_spread_ && value.all_rows && !value.all_channels;
    if (!is_gathered_) return;
    gathering_ = others * message;
    gathered_ = per_float_ * (1 - value.most / static_cast<double>(maker.out.height * maker.out.channels));
  }

  /// Of any move.
  constexpr double soonest() const { return soonest_; }
  /// Of the queries of a group from place `k` on, the next one which needs no more floats of a column than
  /// the rank holds that it needs the most of; or nowhere.
  constexpr std::size_t next_there(const queries& to, std::size_t k) const {
    while (k != nowhere && to.most[k] > here_[to.fullest[k]]) k = to.next[k];
    return k;
  }

  /// Of those from place `k` on, the next one behind which the end may be nearer than `most`, if what it
  /// needs is not there; or the first of those that no move gets to so soon.
  constexpr std::size_t next_near(const queries& to, double most, std::size_t k) const {
    for (; k < to.count; ++k) {
      const double soonest = to.arriving[k] + soonest_;
      if (soonest >= most) return k;
      if (is_spread_ && to.from_one[k] >= most) continue;
      const bool is_elsewhere = (to.ranks[k] & elsewhere_) != 0;
      if (is_gathered_ && to.is_cut[k]) {
        // Who needs all channels of what is cut by channel hears from every other holder.
        const double gathered = to.arriving[k] + gathering_;
        if (gathered + to.most[k] * gathered_ >= most) continue;
        if (!is_elsewhere || gathered + soonest_ + to.least[k] * per_float_ < most) return k;
      } else if (is_elsewhere) {
        if (soonest_ + to.from_others[k] < most) return k;
      } else {
        const double missing = to.most[k] - here_[to.fullest[k]];
        if (missing <= 0 || soonest + missing * per_float_ < most) return k;
      }
    }
    return k;
  }

 private:
  double here_[Ranks]{};    ///< floats of one column; none of a sum
  rank_set elsewhere_ = 0;  ///< the ranks that hold nothing of it
  double soonest_ = 0, per_float_ = 0;
  bool is_spread_ = false;    ///< one rank sends all
  bool is_gathered_ = false;  ///< it is cut by channel
  double gathering_ = 0;      ///< messages of all holders but one
  double gathered_ = 0;       ///< of a float that a holder needs, where it has as many channels as any
};

}  // namespace iop::planner
