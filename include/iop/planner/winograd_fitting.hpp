// SPDX-License-Identifier: MIT
#pragma once

// Winograd's algorithm trades memory for time: its weights are four times as large. A policy that plans
// without an eye to memory uses it wherever it is quicker; this takes it back where it does not fit.

#include <iop/planner/best_plan.hpp>

#include <cstddef>

namespace iop::planner {

template <std::size_t Operators, std::size_t Ranks>
constexpr bool uses_winograd(const plan<Operators, Ranks>& p, std::size_t rank) {
  for (const decision<Ranks>& d : p.decisions)
    if (has(d.winograd, rank)) return true;
  return false;
}
template <std::size_t Operators, std::size_t Ranks>
constexpr bool uses_winograd(const plan<Operators, Ranks>& p) {
  for (const decision<Ranks>& d : p.decisions)
    if (d.winograd != 0) return true;
  return false;
}

/// Goes back to the direct form, and its smaller weights, where memory is short: first for the operators that
/// lose the least by it.
template <std::size_t Operators, std::size_t Ranks>
class winograd_fitting {
 public:
  /// `all`: the plan spelled out; it is the same for both forms.
  constexpr winograd_fitting(op_list ops, const cluster<Ranks>& c, const plan<Operators, Ranks>& p,
                             const schedule<Operators, Ranks>& all)
      : ops_(ops), devices_(c), all_(all), made_(p) {}

  constexpr plan<Operators, Ranks> run_on(std::size_t rank) {
    while (uses_winograd(made_, rank)) {
      const std::size_t missing = missing_bytes(ops_, devices_, made_, all_, rank);
      if (missing == 0) break;
      give_up(rank, missing);
    }
    return made_;
  }

 private:
  constexpr std::size_t weight_bytes(std::size_t i, std::size_t r, const decision<Ranks>& d) const {
    return place_weights(ops_[i], d, r, 0).end * sizeof(float);
  }

  /// At least so many bytes of weights, as far as there are.
  constexpr void give_up(std::size_t r, std::size_t bytes) {
    for (std::size_t saved = 0; saved < bytes && uses_winograd(made_, r);) {
      std::size_t best = 0, best_bytes = 0;
      double least = 0;
      for (std::size_t i = 0; i < ops_.size(); ++i) {
        decision<Ranks> d = made_.decisions[i];
        if (!has(d.winograd, r)) continue;
        const std::size_t before = weight_bytes(i, r, d);
        d.winograd &= ~(rank_set{1} << r);
        const double loss = seconds(i, r, d) - seconds(i, r, made_.decisions[i]);
        const auto each = static_cast<double>(before - weight_bytes(i, r, d));
        if (best_bytes == 0 || loss * static_cast<double>(best_bytes) < least * each)
          best = i, best_bytes = before - weight_bytes(i, r, d), least = loss;
      }
      made_.decisions[best].winograd &= ~(rank_set{1} << r);
      saved += best_bytes;
    }
  }

  constexpr double seconds(std::size_t i, std::size_t r, const decision<Ranks>& d) const {
    const bool by_winograd = has(d.winograd, r);
    const device& on = devices_.devices[r];
    const work w = work_of(on, ops_[i], input_box(ops_[i], d, r), output_box(ops_[i], d, r), by_winograd);
    return seconds_on(on, ops_[i], w, by_winograd);
  }

  op_list ops_;
  const cluster<Ranks>& devices_;
  const schedule<Operators, Ranks>& all_;
  plan<Operators, Ranks> made_;
};

template <std::size_t Operators, std::size_t Ranks>
constexpr plan<Operators, Ranks> fit_winograd(op_list ops, const cluster<Ranks>& c,
                                              const plan<Operators, Ranks>& p) {
  if (!uses_winograd(p)) return p;
  const auto all = spell_out(ops, p);
  plan<Operators, Ranks> made = p;
  for (std::size_t r = 0; r < Ranks; ++r) made = winograd_fitting(ops, c, made, all).run_on(r);
  return made;
}

}  // namespace iop::planner
