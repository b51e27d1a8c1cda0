// SPDX-License-Identifier: MIT
#pragma once

// The paper's segmentation in pieces, as search_pieces.hpp is the search: what each pair would save, and each
// pair that is taken, is a constant of its own.

#include <iop/planner/policies.hpp>

#include <cstddef>
#include <utility>

namespace iop::planner {

/// From the plan of another policy.
template <const auto& Spec, const auto& Cluster, policy Baseline, endpoints Ends>
struct segmentation_pieces {
  static constexpr auto baseline = make_plan<Spec.size()>(Spec.list(), Cluster, Baseline, Ends);

 private:
  static constexpr auto begin() { return segmentation(Spec.list(), Cluster, baseline); }

  template <std::size_t Head>
  static constexpr double gain = begin().gain_of(Head);

  template <std::size_t... I>
  static constexpr auto with_gains(std::index_sequence<I...>) {
    auto all = begin();
    (all.set_gain(I + 1, gain<I + 1>), ...);
    return all;
  }

  template <std::size_t Pairs>
  static constexpr auto go_on() {
    if constexpr (Pairs == 0) {
      return with_gains(std::make_index_sequence<Spec.size() - 1>());
    } else {
      auto next = after<Pairs - 1>;
      next.take_best();
      return next;
    }
  }
  template <std::size_t Pairs>
  static constexpr auto after = go_on<Pairs>();

  template <std::size_t Pairs>
  static constexpr auto finish() {
    if constexpr (after<Pairs>.saves())
      return finish<Pairs + 1>();
    else
      return after<Pairs>.made();
  }

 public:
  static constexpr auto made = finish<0>();
};

}  // namespace iop::planner
