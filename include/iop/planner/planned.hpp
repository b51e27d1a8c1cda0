// SPDX-License-Identifier: MIT
#pragma once

// Plans as constants: what make_plan gives for a network and a cluster that are constants too, worked out in
// pieces (search_pieces.hpp), each plan once for all that ask for it.

#include <iop/planner/search_pieces.hpp>

#include <cstddef>

namespace iop::planner {

/// A plan by each policy, with what it lacks and takes.
template <const auto& Spec, const auto& Cluster, policy Strategy, endpoints Ends>
struct offer {
  static constexpr auto made = make_plan<Spec.size()>(Spec.list(), Cluster, Strategy, Ends);
  static constexpr std::size_t missing = missing_bytes(Spec.list(), Cluster, made);
  static constexpr double seconds = predict(Spec.list(), Cluster, made).makespan_seconds;
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
  static constexpr std::size_t missing = missing_bytes(Spec.list(), Cluster, made);
  static constexpr double seconds = predict(Spec.list(), Cluster, made).makespan_seconds;
};
template <const auto& Spec, const auto& Cluster, endpoints Ends>
struct offer<Spec, Cluster, policy::optimal, Ends> {
 private:
  template <bool AnyMemory>
  using pieces = search_pieces<Spec, Cluster, policy::optimal, Ends, AnyMemory>;
  static constexpr bool is_free() {
    if constexpr (memory_binds(Spec.list(), Cluster))
      return pieces<true>::result.exists && fits(Spec.list(), Cluster, pieces<true>::result.best);
    else
      return true;
  }

  template <policy... Others>
  static constexpr auto best_of() {
    using best = pieces<is_free()>;
    best_plan<Spec.size(), ranks_of(Cluster)> chosen(Spec.list(), Cluster);
    if (best::result.exists) chosen.offer(best::result.best);
    (chosen.offer(offer<Spec, Cluster, Others, Ends>::made, offer<Spec, Cluster, Others, Ends>::missing,
                  offer<Spec, Cluster, Others, Ends>::seconds),
     ...);
    if constexpr (sizeof...(Others) > 1)
      if (!best::result.exists)
        filling<Spec.size(), ranks_of(Cluster)>(Spec.list(), Cluster, Ends).offer_to(chosen);
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
