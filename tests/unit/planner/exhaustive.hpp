// SPDX-License-Identifier: MIT
#pragma once

// The oracle of the search: every plan that its choices allow, one after the other, each judged by `predict`
// and `footprint_of` alone. Only what already takes longer than a plan that is known, or holds more weights
// than there is memory, is not followed further: neither ever gets less.

#include <iop/planner/choices.hpp>
#include <iop/planner/footprint.hpp>

#include "choice_list.hpp"

#include <cstddef>
#include <limits>
#include <vector>

namespace planner_test {

template <std::size_t Operators, std::size_t Ranks>
class enumeration {
 public:
  using plan = iop::plan<Operators, Ranks>;

  /// Plans slower than `limit` seconds are of no interest; gives up after `most_steps` prefixes.
  enumeration(const iop::planner::problem<Operators, Ranks>& p, double limit, std::size_t most_steps)
      : p_(p), choices_(lists_of(p)), limit_(limit), most_steps_(most_steps) {
    now_.ends = p.ends;
    now_.decisions[0] = choices_[0][0].made;
    chosen_.push_back(&choices_[0][0]);
    visit(1);
  }

  bool is_complete() const { return steps_ <= most_steps_; }
  bool exists() const { return exists_; }
  double seconds() const { return limit_; }
  const plan& best() const { return best_; }
  std::size_t steps() const { return steps_; }
  std::size_t plans() const { return plans_; }

 private:
  using choice = iop::planner::choice<Ranks>;

  /// Rounding must not decide between routes that cost the same, nor cut off the best plan itself.
  static constexpr double slack = 1 + 1e-9;

  bool may_follow(const choice& next, std::size_t i) const {
    const choice& before = *chosen_.back();
    if (before.fused_until < i) return true;
    return next.made.how == iop::partition::spatial && next.members == before.members &&
           next.fused_until == before.fused_until;
  }

  /// Seconds of the operators up to and including i; infinite when somebody needs what nobody holds.
  double seconds_until(std::size_t i) {
    const auto all = iop::planner::spell_out(p_.ops, now_, iop::range{0, i + 1});
    bool is_behind = false;  // the operator before i has run
    is_fetching_ = false;
    for (const iop::planner::step& s : all.steps) {
      if (s.is_exchange && !is_complete(all.source(s), all.result(s))) return infinite;
      is_fetching_ = is_fetching_ || (is_behind && s.is_exchange);
      is_behind = is_behind || (!s.is_exchange && s.tensor + 1 == i);
    }
    return iop::planner::predict(p_.ops, *p_.devices, now_, all).makespan_seconds;
  }

  static bool is_complete(const iop::planner::value<Ranks>& from, const iop::planner::value<Ranks>& to) {
    return for_each_message(from, to.boxes, [](std::size_t, std::size_t, const iop::box&) {});
  }

  /// Sets the cheapest of all routes, the first of equals, and returns what `seconds` says of it.
  template <class Seconds>
  double choose(iop::route& chosen, Seconds&& seconds) {
    double least = infinite;
    iop::route best = iop::route::direct;
    for (const iop::route each : iop::all_routes) {
      chosen = each;
      const double s = seconds();
      if (s * slack < least) best = each, least = s;
      if (!is_fetching_) break;
    }
    chosen = best;
    return least;
  }

  bool weights_fit(std::size_t until) const {
    for (std::size_t r = 0; r < Ranks; ++r) {
      std::size_t end = 0;
      for (std::size_t i = 0; i <= until; ++i)
        end = iop::planner::place_weights(p_.ops[i], now_.decisions[i], r, end).end;
      if (end * sizeof(float) > p_.devices->devices[r].memory.bytes) return false;
    }
    return true;
  }

  void visit(std::size_t i) {
    if (i == p_.ops.size()) return finish();
    for (const choice& next : choices_[i]) {
      if (!may_follow(next, i)) continue;
      if (++steps_ > most_steps_) return;
      now_.decisions[i] = next.made;
      now_.deliver = iop::route::direct;
      if (!weights_fit(i)) continue;
      const double seconds = choose(now_.decisions[i].fetch, [&] { return seconds_until(i); });
      // Behind the last operator, it includes what delivering takes directly.
      if (i + 1 < p_.ops.size() && seconds > limit_ * slack) continue;
      chosen_.push_back(&next);
      visit(i + 1);
      chosen_.pop_back();
    }
  }

  void finish() {
    const std::size_t last = p_.ops.size() - 1;
    const double seconds = choose(now_.deliver, [&] { return seconds_until(last); });
    ++plans_;
    if (seconds > limit_ * slack || (exists_ && seconds >= limit_)) return;
    for (std::size_t r = 0; r < Ranks; ++r)
      if (iop::planner::footprint_of(p_.ops, now_, r).bytes() > p_.devices->devices[r].memory.bytes) return;
    limit_ = seconds;
    best_ = now_;
    exists_ = true;
  }

  static constexpr double infinite = std::numeric_limits<double>::infinity();

  const iop::planner::problem<Operators, Ranks>& p_;
  std::vector<std::vector<choice>> choices_;
  std::vector<const choice*> chosen_;
  plan now_{}, best_{};
  double limit_;
  std::size_t most_steps_, steps_ = 0, plans_ = 0;
  bool exists_ = false;
  bool is_fetching_ = false;  ///< what was spelled out last, for its last operator or to deliver
};

}  // namespace planner_test
