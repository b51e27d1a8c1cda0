// SPDX-License-Identifier: MIT
#pragma once

// Plans where memory is tight, in pieces: besides those that are known, plans of last resort if none fits,
// and plans whose cuts are shifted. As planning_for_room does when a program runs, but a compiler looks at
// less.

#include <iop/planner/cut_shifting_pieces.hpp>
#include <iop/planner/offered.hpp>
#include <iop/planner/search_pieces.hpp>

#include <cstddef>
#include <utility>

namespace iop::planner {

template <const auto& Spec, const auto& Cluster, endpoints Ends>
struct room_pieces {
  using best_plans = offered<Spec, Cluster>;

 private:
  static constexpr filling<Spec.size(), ranks_of(Cluster)> last_resorts{Spec.list(), Cluster, Ends};
  template <std::size_t Number, int Round>
  static constexpr auto cut_again() {
    if constexpr (Round == 0)
      return last_resorts.balanced_by_speed(Number);
    else
      return [&]<std::size_t... Rank>(std::index_sequence<Rank...>) {
        return last_resorts.balanced_by(Number, {room_in<Number, Round - 1, Rank>...});
      }
    (std::make_index_sequence<ranks_of(Cluster)>());
  }
  template <std::size_t Number, int Round>
  static constexpr auto cut = cut_again<Number, Round>();
  template <std::size_t Number, int Round = last_resorts.rounds>
  static constexpr auto last_resort = fitted<Spec, Cluster, cut<Number, Round>>::made;
  template <std::size_t Number, int Round, std::size_t Rank>
  static constexpr double room_in =
      last_resorts.room_in(Number, last_resort<Number, Round>,
                           spelled<Spec, last_resort<Number, Round>>::template needs<Rank>, Rank);

  /// The first that fits, from those on with the most rows.
  template <std::size_t End>
  static constexpr best_plans take_last_resort(best_plans best) {
    if constexpr (End == 0) {
      return best;
    } else {
      constexpr std::size_t number = End - 1;
      if constexpr (!last_resorts.is_repeated(number)) {
        best.template take<last_resort<number>>();
        if constexpr (judged<Spec, Cluster, last_resort<number>>::missing == 0) return best;
      }
      return take_last_resort<End - 1>(best);
    }
  }

  template <const best_plans& Known>
  static constexpr best_plans resort() {
    if constexpr (Known.fits())
      return Known;
    else
      return take_last_resort<last_resorts.count>(Known);
  }
  template <const best_plans& Known>
  static constexpr best_plans resorted = resort<Known>();

  template <int Percent>
  static constexpr auto with_more = roomier(Cluster, Percent * 0.01);
  template <int Percent>
  using searched = search_pieces<Spec, with_more<Percent>, policy::optimal, Ends, reach::everything>;
  template <int Percent>
  static constexpr auto lacking = searched<Percent>::result.best;
  template <const auto& Start>
  static constexpr auto start = fitted<Spec, Cluster, Start>::made;
  template <const auto& Start>
  static constexpr void take_shifted(best_plans& best) {
    best.template take<shifted<Spec, Cluster, start<Start>>::made>();
  }
  template <int Percent>
  static constexpr void take_lacking(best_plans& best) {
    if constexpr (searched<Percent>::result.exists) take_shifted<lacking<Percent>>(best);
  }
  template <const best_plans& Known>
  static constexpr auto best_known = Known.get(policy::optimal);
  /// Else what a compiler could try in time would come to nothing.
  static constexpr bool is_small = shifting_effort(Spec.list(), ranks_of(Cluster)) <= 200;

 public:
  template <const best_plans& Known>
  static constexpr best_plans best() {
    best_plans all = resorted<Known>;
    if constexpr (is_small) {
      take_shifted<best_known<resorted<Known>>>(all);
      take_lacking<5>(all);
      take_lacking<40>(all);
    }
    return all;
  }
};

}  // namespace iop::planner
