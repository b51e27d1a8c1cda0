// SPDX-License-Identifier: MIT
#pragma once

// Plans as constants: what make_plan gives for a network and a cluster that are constants too, worked out in
// pieces (search_pieces.hpp), each plan once for all that ask for it.

#include <iop/planner/offered.hpp>
#include <iop/planner/room_pieces.hpp>
#include <iop/planner/search_pieces.hpp>
#include <iop/planner/segmentation_pieces.hpp>

#include <algorithm>
#include <cstddef>
#include <utility>

namespace iop::planner {

/// A plan by each policy.
template <const auto& Spec, const auto& Cluster, policy Strategy, endpoints Ends>
struct offer {
 private:
  static constexpr auto cut = cut_by_groups<Spec.size()>(Spec.list(), Cluster, Strategy, Ends);

 public:
  static constexpr auto made = fitted<Spec, Cluster, cut>::made;
};
template <const auto& Spec, const auto& Cluster, endpoints Ends>
struct offer<Spec, Cluster, policy::single_device, Ends> {
 private:
  template <std::size_t Rank>
  static constexpr auto cut = cut_for_one<Spec.size()>(Spec.list(), Cluster, Ends, Rank);
  template <std::size_t... Rank>
  static constexpr auto best_of(std::index_sequence<Rank...>) {
    offered<Spec, Cluster> best;
    (best.template take<fitted<Spec, Cluster, cut<Rank>>::made>(), ...);
    return best.get(policy::single_device);
  }

 public:
  static constexpr auto made = best_of(std::make_index_sequence<ranks_of(Cluster)>());
};
template <const auto& Spec, const auto& Cluster, endpoints Ends>
struct offer<Spec, Cluster, policy::interleaved, Ends> {
 private:
  template <policy Strategy>
  static constexpr auto baseline = offer<Spec, Cluster, Strategy, Ends>::made;
  template <policy Strategy>
  static constexpr auto segmented = segmentation_pieces<Spec, Cluster, baseline<Strategy>>::made;

  template <const auto& First, const auto& Second, const auto&... Others>
  static constexpr auto quickest_of() {
    constexpr bool is_second = judged<Spec, Cluster, Second>::seconds < judged<Spec, Cluster, First>::seconds;
    if constexpr (sizeof...(Others) > 0) {
      if constexpr (is_second)
        return quickest_of<Second, Others...>();
      else
        return quickest_of<First, Others...>();
    } else {
      auto quickest = is_second ? Second : First;
      quickest.strategy = policy::interleaved;
      return quickest;
    }
  }
  static constexpr auto best =
      quickest_of<segmented<policy::coedge_oc>, baseline<policy::coedge_oc>,
                  segmented<policy::output_channel>, baseline<policy::output_channel>>();

 public:
  static constexpr auto made = fitted<Spec, Cluster, best>::made;
};
template <const auto& Spec, const auto& Cluster, endpoints Ends>
struct offer<Spec, Cluster, policy::fused_spatial, Ends> {
 private:
  static constexpr auto cut() {
    if constexpr (ranks_of(Cluster) == 1)
      return offer<Spec, Cluster, policy::single_device, Ends>::made;
    else
      return search_pieces<Spec, Cluster, policy::fused_spatial, Ends, reach::any_memory>::result.best;
  }
  static constexpr auto found = cut();

 public:
  static constexpr auto made = fitted<Spec, Cluster, found>::made;
};
template <const auto& Spec, const auto& Cluster, endpoints Ends>
struct offer<Spec, Cluster, policy::optimal, Ends> {
 private:
  template <reach HowFar>
  using pieces = search_pieces<Spec, Cluster, policy::optimal, Ends, HowFar>;
  template <reach HowFar>
  static constexpr auto searched = pieces<HowFar>::result.best;
  static constexpr bool is_free() {
    if constexpr (!memory_binds(Spec.list(), Cluster))
      return true;
    else if constexpr (pieces<reach::any_memory>::result.exists)
      return judged<Spec, Cluster, searched<reach::any_memory>>::missing == 0;
    else
      return false;
  }
  /// With more devices there are too many subsets of them for a compiler.
  static constexpr std::size_t most_ranks = 4;
  static constexpr reach furthest = is_free()                         ? reach::any_memory
                                    : ranks_of(Cluster) <= most_ranks ? reach::everything
                                                                      : reach::all_devices;

  template <reach HowFar>
  static constexpr void take_searched([[maybe_unused]] offered<Spec, Cluster>& known) {
    if constexpr (pieces<HowFar>::result.exists) known.template take<searched<HowFar>>();
  }
  template <policy... Others>
  static constexpr auto best_known() {
    offered<Spec, Cluster> known;
    take_searched<furthest>(known);
    if constexpr (furthest == reach::everything) take_searched<reach::all_devices>(known);
    (known.template take<offer<Spec, Cluster, Others, Ends>::made>(), ...);
    return known;
  }
  template <policy... Others>
  static constexpr offered<Spec, Cluster> known = best_known<Others...>();
  template <policy... Others>
  static constexpr auto best_of() {
    if constexpr (furthest == reach::any_memory || sizeof...(Others) == 1)
      return known<Others...>.get(policy::optimal);
    else
      return room_pieces<Spec, Cluster, Ends>::template best<known<Others...>>().get(policy::optimal);
  }
  static constexpr auto plan_it() {
    using best = pieces<furthest>;
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
