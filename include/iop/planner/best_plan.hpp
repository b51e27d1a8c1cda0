// SPDX-License-Identifier: MIT
#pragma once

// The best of several plans: one that fits every memory before one that does not, then the quicker one.

#include <iop/planner/cost.hpp>
#include <iop/planner/footprint.hpp>

#include <algorithm>
#include <cstddef>
#include <limits>

namespace iop::planner {

/// Bytes that a device lacks for a plan.
template <std::size_t Ranks>
constexpr std::size_t missing_bytes(const cluster<Ranks>& c, std::size_t rank, const footprint& needed) {
  const std::size_t limit = c.devices[rank].memory.bytes;
  return needed.bytes() > limit ? needed.bytes() - limit : 0;
}
template <std::size_t Operators, std::size_t Ranks>
constexpr std::size_t missing_bytes(op_list ops, const cluster<Ranks>& c, const plan<Operators, Ranks>& p,
                                    const schedule<Operators, Ranks>& all, std::size_t rank) {
  return missing_bytes(c, rank, footprint_of(ops, p, all, rank));
}

/// Bytes that the device lacks for a plan that lacks the most; 0 when it fits.
template <std::size_t Operators, std::size_t Ranks>
constexpr std::size_t missing_bytes(op_list ops, const cluster<Ranks>& c, const plan<Operators, Ranks>& p,
                                    const schedule<Operators, Ranks>& all) {
  std::size_t most = 0;
  for (std::size_t r = 0; r < Ranks; ++r) most = std::max(most, missing_bytes(ops, c, p, all, r));
  return most;
}
template <std::size_t Operators, std::size_t Ranks>
constexpr std::size_t missing_bytes(op_list ops, const cluster<Ranks>& c, const plan<Operators, Ranks>& p) {
  return missing_bytes(ops, c, p, spell_out(ops, p));
}

template <std::size_t Operators, std::size_t Ranks>
constexpr bool fits(op_list ops, const cluster<Ranks>& c, const plan<Operators, Ranks>& p) {
  return missing_bytes(ops, c, p) == 0;
}

template <std::size_t Operators, std::size_t Ranks>
class best_plan {
 public:
  constexpr best_plan(op_list ops, const cluster<Ranks>& c) : ops_(ops), devices_(c) {}

  constexpr void offer(const plan<Operators, Ranks>& candidate) {
    const auto all = spell_out(ops_, candidate);
    offer(candidate, missing_bytes(ops_, devices_, candidate, all),
          predict(ops_, devices_, candidate, all).makespan_seconds);
  }
  constexpr void offer(const plan<Operators, Ranks>& candidate, std::size_t missing, double seconds) {
    if (missing > missing_ || (missing == missing_ && seconds >= seconds_)) return;
    best_ = candidate;
    missing_ = missing;
    seconds_ = seconds;
  }

  constexpr plan<Operators, Ranks> get(policy strategy) const {
    plan<Operators, Ranks> p = best_;
    p.strategy = strategy;
    return p;
  }
  constexpr bool fits() const { return missing_ == 0; }
  constexpr double seconds() const { return seconds_; }

 private:
  op_list ops_;
  const cluster<Ranks>& devices_;
  plan<Operators, Ranks> best_{};
  std::size_t missing_ = static_cast<std::size_t>(-1);
  double seconds_ = std::numeric_limits<double>::infinity();
};

}  // namespace iop::planner
