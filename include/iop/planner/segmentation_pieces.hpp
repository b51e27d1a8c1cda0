// SPDX-License-Identifier: MIT
#pragma once

// The paper's segmentation in pieces, as search_pieces.hpp is the search: what each pair would save, and each
// pair that is taken, is a constant of its own.

#include <iop/planner/segmentation.hpp>

#include <cstddef>
#include <utility>

namespace iop::planner {

/// From the plan of another policy.
template <const auto& Spec, const auto& Cluster, const auto& Baseline>
struct segmentation_pieces {
 private:
  /// The best pair after so many.
  template <std::size_t Pairs>
  static constexpr auto take() {
    if constexpr (Pairs == 0) {
      return segmentation(Spec.list(), Cluster, Baseline);
    } else {
      auto next = after<Pairs - 1>;
      next.take_best();
      return next;
    }
  }
  template <std::size_t Pairs>
  static constexpr auto taken = take<Pairs>();

  template <std::size_t Pairs, std::size_t Head>
  static constexpr double gain_of() {
    auto copy = taken<Pairs>;
    return copy.gain_of(Head);
  }
  template <std::size_t Pairs, std::size_t Head>
  static constexpr double gain = gain_of<Pairs, Head>();

  template <std::size_t Pairs, std::size_t Head, class Segmentation>
  static constexpr void set_gain([[maybe_unused]] Segmentation& of) {
    if constexpr (Pairs == 0 || taken<Pairs>.has_changed(Head)) of.set_gain(Head, gain<Pairs, Head>);
  }
  template <std::size_t Pairs, std::size_t... I>
  static constexpr auto with_gains(std::index_sequence<I...>) {
    auto all = taken<Pairs>;
    (set_gain<Pairs, I + 1>(all), ...);
    return all;
  }

  template <std::size_t Pairs>
  static constexpr auto after = with_gains<Pairs>(std::make_index_sequence<Spec.size() - 1>());

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
