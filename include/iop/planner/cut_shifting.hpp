// SPDX-License-Identifier: MIT
#pragma once

// Moves the cuts of a plan where memory is tight. A search chooses among cuts that are balanced by speed; a
// device that they make too full by a few channels gives these to another, first until every memory
// suffices, then as long as that saves time. Operators that go together without an exchange are cut together.

#include <iop/planner/best_plan.hpp>

#include <algorithm>
#include <cstddef>
#include <limits>

namespace iop::planner {

/// What a search takes, and each plan whose cuts are shifted, grows with this.
constexpr std::size_t shifting_effort(op_list ops, std::size_t ranks) { return ops.size() * ranks * ranks; }

template <std::size_t Operators, std::size_t Ranks>
class cut_shifting {
 public:
  using plan_type = plan<Operators, Ranks>;

  constexpr cut_shifting(op_list ops, const cluster<Ranks>& c, const plan_type& start)
      : ops_(ops), devices_(c) {
    best_.all_missing = std::numeric_limits<std::size_t>::max();
    consider(start);
    now_ = best_;
    for (std::size_t i = 1; i < ops_.size(); ++i) join_cuts(i);
    take_next_cut();
    if (!is_done_) take_next();
  }

  /// Until nothing helps, or so many plans have been tried; returns how many were.
  constexpr std::size_t run(std::size_t most_tries) {
    std::size_t tries = 0;
    for (; tries < most_tries && !is_done_; ++tries) {
      consider(shifted());
      const std::size_t all = size_of(from_);
      channels_ = channels_ < all ? std::min(2 * channels_, all) : all + 1;
      take_next();
    }
    return tries;
  }
  constexpr bool is_done() const { return is_done_; }
  constexpr const plan_type& made() const { return best_.made; }

  /// Calls visit(plan) for plans in which a device gives all of its share of a cut to another, and which take
  /// less time than the one made; most lack memory, but there may be shifts that mend that. Until it says no.
  template <class Visit>
  constexpr void for_each_quicker_merge(Visit&& visit) {
    for (now_cut_ = 1; now_cut_ < ops_.size(); ++now_cut_) {
      if (cut_[now_cut_] != now_cut_) continue;
      for (from_ = 0; from_ < Ranks; ++from_)
        for (to_ = 0; to_ < Ranks; ++to_) {
          channels_ = size_of(from_);
          if (from_ == to_ || channels_ == 0) continue;
          const plan_type merged = shifted();
          if (predict(ops_, devices_, merged).makespan_seconds < best_.seconds && !visit(merged)) return;
        }
    }
  }

 private:
  struct candidate {
    plan_type made{};
    std::size_t missing[Ranks]{};  ///< bytes that each device lacks
    std::size_t all_missing = 0;
    double seconds = 0;

    constexpr bool is_better(const candidate& other) const {
      return all_missing != other.all_missing ? all_missing < other.all_missing : seconds < other.seconds;
    }
  };

  /// The best so far, if it is that. Most are not, which often is known before all of it is worked out.
  constexpr void consider(const plan_type& p) {
    candidate c{p};
    const auto all = spell_out(ops_, p);
    c.seconds = predict(ops_, devices_, p, all).makespan_seconds;
    if (best_.all_missing == 0 && c.seconds >= best_.seconds) return;
    for (std::size_t r = 0; r < Ranks; ++r) {
      c.all_missing += c.missing[r] = missing_bytes(ops_, devices_, p, all, r);
      if (c.all_missing > best_.all_missing) return;
    }
    if (c.is_better(best_)) best_ = c;
  }

  /// What reads channels as they are cut already is part of that cut.
  constexpr void join_cuts(std::size_t i) {
    const op& o = ops_[i];
    const decision<Ranks>& d = now_.made.decisions[i];
    const bool sums = d.how == partition::input_channel;
    if (!sums && d.how != partition::output_channel) return;
    cut_[i] = i, scale_[i] = 1;
    if (!sums && !is_channelwise(o)) return;
    const std::size_t unit = is_depthwise(o) ? channel_unit(o) : 1;
    for (const std::size_t input : o.inputs) {
      if (!is_kept(now_.made.decisions[input], unit, d)) continue;
      const std::size_t its = cut_[input], its_scale = scale_[input] * unit;
      if (cut_[i] == i)
        cut_[i] = its, scale_[i] = its_scale;
      else if (scale_[i] == its_scale)
        std::replace(cut_ + 1, cut_ + i + 1, std::max(its, cut_[i]), std::min(its, cut_[i]));
    }
  }
  constexpr bool is_kept(const decision<Ranks>& producer, std::size_t unit, const decision<Ranks>& d) const {
    bool is_same = producer.how == partition::output_channel;
    for (std::size_t r = 0; r < Ranks; ++r)
      is_same = is_same && d.shares[r].size() == producer.shares[r].size() * unit;
    return is_same;
  }

  // What is tried next: so many channels of a cut from one device to another. As long as memory is missing,
  // the best such shift of all cuts is made; then of each cut the best, as long as one helps.

  constexpr void take_next() {
    while (!exists()) {
      channels_ = channel_unit(ops_[now_cut_]);
      if (++to_ < Ranks) continue;
      to_ = 0;
      if (++from_ < Ranks) continue;
      from_ = 0;
      if (now_.all_missing > 0 || !take_best()) take_next_cut();
      if (is_done_) return;
    }
  }
  constexpr bool take_best() {
    if (!best_.is_better(now_)) return false;
    now_ = best_;
    return has_helped_ = true;
  }
  constexpr std::size_t size_of(std::size_t rank) const {
    return now_.made.decisions[now_cut_].shares[rank].size();
  }
  constexpr bool exists() const {
    return from_ != to_ && channels_ <= size_of(from_) && (now_.all_missing == 0 || now_.missing[from_] > 0);
  }
  constexpr void take_next_cut() {
    do {
      if (++now_cut_ < ops_.size()) continue;
      is_done_ = !take_best() && !has_helped_;
      if (is_done_) return;
      has_helped_ = false;
      now_cut_ = 1;
    } while (cut_[now_cut_] != now_cut_);
    channels_ = channel_unit(ops_[now_cut_]);
  }

  constexpr plan_type shifted() const {
    plan_type p = now_.made;
    for (std::size_t i = now_cut_; i < ops_.size(); ++i) {
      if (cut_[i] != now_cut_) continue;
      std::size_t begin = 0;
      for (std::size_t r = 0; r < Ranks; ++r) {
        range& share = p.decisions[i].shares[r];
        const std::size_t moved = channels_ * scale_[i];
        const std::size_t size = share.size() + (r == to_ ? moved : 0) - (r == from_ ? moved : 0);
        share = size == 0 ? range{} : range{begin, begin + size};
        begin += size;
      }
    }
    return p;
  }

  op_list ops_;
  const cluster<Ranks>& devices_;
  candidate now_;                   ///< with the shifts made so far
  candidate best_;                  ///< that, or with the best one tried since
  std::size_t cut_[Operators]{};    ///< the operator that begins it; 0: not cut by channels
  std::size_t scale_[Operators]{};  ///< channels for each of that operator
  std::size_t now_cut_ = 0, from_ = 0, to_ = 0, channels_ = 1;
  bool has_helped_ = false;  ///< since the first cut
  bool is_done_ = false;
};

}  // namespace iop::planner
