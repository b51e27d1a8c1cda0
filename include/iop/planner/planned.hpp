// SPDX-License-Identifier: MIT
#pragma once

// Plans as constants: what make_plan gives for a network and a cluster that are constants too, worked out in
// pieces (search_pieces.hpp), each plan once for all that ask for it.

#include <iop/planner/search_pieces.hpp>
#include <iop/planner/segmentation_pieces.hpp>

#include <algorithm>
#include <cstddef>
#include <utility>

namespace iop::planner {

/// What a plan lacks and takes.
template <const auto& Spec, const auto& Cluster, const auto& Plan>
struct judged {
  static constexpr auto steps = spell_out(Spec.list(), Plan);

 private:
  template <std::size_t Rank>
  static constexpr std::size_t lacks = missing_bytes(Spec.list(), Cluster, Plan, steps, Rank);
  template <std::size_t... Rank>
  static constexpr std::size_t most_lacking(std::index_sequence<Rank...>) {
    return std::max({lacks<Rank>...});
  }

 public:
  static constexpr std::size_t missing = most_lacking(std::make_index_sequence<ranks_of(Cluster)>());
  static constexpr double seconds = predict(Spec.list(), Cluster, Plan, steps).makespan_seconds;
};

/// A plan by each policy.
template <const auto& Spec, const auto& Cluster, policy Strategy, endpoints Ends>
struct offer {
  static constexpr auto made = make_plan<Spec.size()>(Spec.list(), Cluster, Strategy, Ends);
};
template <const auto& Spec, const auto& Cluster, endpoints Ends>
struct offer<Spec, Cluster, policy::interleaved, Ends> {
 private:
  using rows = segmentation_pieces<Spec, Cluster, policy::coedge_oc, Ends>;
  using channels = segmentation_pieces<Spec, Cluster, policy::output_channel, Ends>;

 public:
  static constexpr auto made = better_segmentation(Spec.list(), Cluster, rows::baseline, rows::made,
                                                   channels::baseline, channels::made);
};
template <const auto& Spec, const auto& Cluster, endpoints Ends>
struct offer<Spec, Cluster, policy::fused_spatial, Ends> {
 private:
  static constexpr auto plan_it() {
    if constexpr (ranks_of(Cluster) == 1)
      return plan_single<Spec.size()>(Spec.list(), Cluster, Ends);
    else
      return fit_winograd(Spec.list(), Cluster,
                          search_pieces<Spec, Cluster, policy::fused_spatial, Ends, true>::result.best);
  }

 public:
  static constexpr auto made = plan_it();
};
template <const auto& Spec, const auto& Cluster, endpoints Ends>
struct offer<Spec, Cluster, policy::optimal, Ends> {
 private:
  template <bool AnyMemory>
  using pieces = search_pieces<Spec, Cluster, policy::optimal, Ends, AnyMemory>;
  template <bool AnyMemory>
  static constexpr auto searched = pieces<AnyMemory>::result.best;
  static constexpr bool is_free() {
    if constexpr (!memory_binds(Spec.list(), Cluster))
      return true;
    else if constexpr (pieces<true>::result.exists)
      return judged<Spec, Cluster, searched<true>>::missing == 0;
    else
      return false;
  }

  using best_of_all = best_plan<Spec.size(), ranks_of(Cluster)>;
  template <const auto& Plan>
  static constexpr void propose(best_of_all& to) {
    to.offer(Plan, judged<Spec, Cluster, Plan>::missing, judged<Spec, Cluster, Plan>::seconds);
  }

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
  template <std::size_t Number, int Round = last_resorts.rounds>
  static constexpr auto last_resort = cut_again<Number, Round>();
  template <std::size_t Number, int Round, std::size_t Rank>
  static constexpr double room_in = last_resorts.room_in(
      Number, last_resort<Number, Round>, judged<Spec, Cluster, last_resort<Number, Round>>::steps, Rank);
  template <std::size_t Number>
  static constexpr void propose_last_resort([[maybe_unused]] best_of_all& to) {
    if constexpr (!last_resorts.is_repeated(Number)) propose<last_resort<Number>>(to);
  }
  template <std::size_t... Number>
  static constexpr void propose_last_resorts(best_of_all& to, std::index_sequence<Number...>) {
    (propose_last_resort<Number>(to), ...);
  }

  template <policy... Others>
  static constexpr auto best_of() {
    using best = pieces<is_free()>;
    best_of_all chosen(Spec.list(), Cluster);
    if constexpr (best::result.exists) propose<searched<is_free()>>(chosen);
    (propose<offer<Spec, Cluster, Others, Ends>::made>(chosen), ...);
    if constexpr (sizeof...(Others) > 1 && !best::result.exists)
      propose_last_resorts(chosen, std::make_index_sequence<last_resorts.count>());
    return chosen.get();
  }
  static constexpr auto plan_it() {
    using best = pieces<is_free()>;
    if constexpr (!may_be_beaten(best::posed, best::result))
      return best::result.best;
    else if constexpr (ranks_of(Cluster) == 1)
      return best_of<policy::single_device>();
    else
      return best_of<policy::single_device, policy::output_channel, policy::coedge, policy::coedge_oc,
                     policy::interleaved, policy::fused_spatial>();
  }

 public:
  static constexpr auto made = plan_it();
};

/// As make_plan, of constants.
template <const auto& Spec, const auto& Cluster, policy Strategy, endpoints Ends>
inline constexpr auto planned = offer<Spec, Cluster, Strategy, Ends>::made;

}  // namespace iop::planner
