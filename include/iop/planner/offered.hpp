// SPDX-License-Identifier: MIT
#pragma once

// What becomes of a plan that is a constant: what it lacks and takes, whether it goes back from Winograd's
// algorithm, and which of several is the best. As the functions of those names, in pieces that no compiler
// finds too long.

#include <iop/planner/schedule_pieces.hpp>
#include <iop/planner/winograd_fitting.hpp>

#include <algorithm>
#include <cstddef>
#include <utility>

namespace iop::planner {

template <std::size_t Ranks>
constexpr std::size_t ranks_of(const cluster<Ranks>&) {
  return Ranks;
}

/// What a plan lacks and takes.
template <const auto& Spec, const auto& Cluster, const auto& Plan>
struct judged {
 private:
  using all = spelled<Spec, Plan>;
  template <std::size_t... Rank>
  static constexpr std::size_t most_missing(std::index_sequence<Rank...>) {
    return std::max({missing_bytes(Cluster, Rank, all::template needs<Rank>)...});
  }

 public:
  static constexpr std::size_t missing = most_missing(std::make_index_sequence<ranks_of(Cluster)>());
  static constexpr double seconds = predict(Spec.list(), Cluster, Plan, all::steps).makespan_seconds;
};

/// A plan without Winograd's algorithm where that does not fit.
template <const auto& Spec, const auto& Cluster, const auto& Plan>
struct fitted {
 private:
  template <std::size_t Ranks>
  static constexpr auto fit() {
    if constexpr (Ranks == 0) {
      return Plan;
    } else {
      constexpr std::size_t rank = Ranks - 1;
      auto before = until<rank>;
      return winograd_fitting(Spec.list(), Cluster, before, spelled<Spec, Plan>::steps).run_on(rank);
    }
  }
  template <std::size_t Ranks>
  static constexpr auto until = fit<Ranks>();

 public:
  static constexpr auto made = until<(uses_winograd(Plan) ? ranks_of(Cluster) : 0)>;
};

/// The best of the plans that have been offered.
template <const auto& Spec, const auto& Cluster>
class offered : public best_plan<Spec.size(), ranks_of(Cluster)> {
 public:
  constexpr offered() : best_plan<Spec.size(), ranks_of(Cluster)>(Spec.list(), Cluster) {}
  template <const auto& Plan>
  constexpr void take() {
    this->offer(Plan, judged<Spec, Cluster, Plan>::missing, judged<Spec, Cluster, Plan>::seconds);
  }
};

}  // namespace iop::planner
