// SPDX-License-Identifier: MIT
#pragma once

// A deployment is a named struct that says which network runs on which cluster by which plan:
//   struct porch { using network = lenet5; static constexpr iop::cluster cluster{…};
//                  static constexpr auto plan = iop::planned<network, cluster, iop::policy::interleaved>; };
// Here is what it must hold, as sentences with the numbers.

#include <iop/comm/transport.hpp>
#include <iop/core/refuse.hpp>
#include <iop/core/text.hpp>
#include <iop/deploy/cuts.hpp>
#include <iop/model/network.hpp>
#include <iop/planner/planned.hpp>
#include <iop/planner/policies.hpp>
#include <iop/planner/schedule_pieces.hpp>

#include <array>
#include <cstddef>
#include <string_view>
#include <utility>

namespace iop {

template <class D>
concept deployment = requires {
  requires model::network_type<typename D::network>;
  { D::cluster.size() } -> std::convertible_to<std::size_t>;
  { D::plan.ranks() } -> std::convertible_to<std::size_t>;
};

namespace deploy {

/// A rate or a time that can be computed with.
constexpr bool is_between(double least, double x, double most) { return x >= least && x <= most; }

/// The field of a profile that cannot be; empty when all can.
constexpr std::string_view impossible_rate_of(const device& d) {
  const auto is_rate = [](double per_second) { return is_between(1, per_second, 1e30); };
  if (!is_rate(d.compute.flops_per_second)) return "compute rate";
  if (!is_rate(d.memory_bandwidth.bytes_per_second)) return "memory bandwidth";
  if (!is_between(1, static_cast<double>(d.channel_step), 65536)) return "channel_step";
  const auto is_own = [&](compute_rate own) {
    return own.flops_per_second == 0 || is_rate(own.flops_per_second);
  };
  if (!is_own(d.winograd)) return "Winograd rate";
  if (!is_own(d.depthwise)) return "depthwise rate";
  return is_own(d.narrow) ? "" : "narrow rate";
}

/// Why a cluster is impossible; empty when it is not.
template <std::size_t Ranks>
constexpr problem problem_of(const cluster<Ranks>& c, endpoints ends) {
  if (c.size() == 0) return sentence("the cluster has no device: give it at least one.");
  for (std::size_t r = 0; r < c.size(); ++r) {
    const device& d = c.devices[r];
    if (!(d.compute.flops_per_second > 0) || !(d.memory_bandwidth.bytes_per_second > 0))
      return sentence("device '", d.name, "' (rank ", r,
                      ") has no speed: give it a compute rate and a memory bandwidth above 0.");
    if (const std::string_view wrong = impossible_rate_of(d); !wrong.empty())
      return sentence("device '", d.name, "' (rank ", r, ") has a ", wrong, " that no device has: it is ",
                      wrong == "channel_step" ? "1 to 65536." : "1 to 1e30 per second.");
    for (std::size_t other = 0; other < c.size(); ++other) {
      if (other == r) continue;
      const link& joint = c.between(r, other);
      if (!(joint.bandwidth.bytes_per_second > 0))
        return sentence("device '", d.name, "' (rank ", r, ") has no link to device '", c.devices[other].name,
                        "' (rank ", other, "): give the link a bandwidth above 0.");
      if (!is_between(1, joint.bandwidth.bytes_per_second, 1e30) ||
          !is_between(0, joint.message.seconds, 1e9))
        return sentence("the link from rank ", r, " to rank ", other,
                        " is like no link: a bandwidth is 1 to 1e30 bytes/s, a message takes 0 to 1e9 s.");
    }
  }
  if (ends.input_rank >= c.size() || ends.output_rank >= c.size())
    return sentence("the input starts on rank ", ends.input_rank, " and the result ends on rank ",
                    ends.output_rank, ", but the cluster has ", c.size(), " devices: name ranks below ",
                    c.size(), ".");
  return {};
}

/// The same for a constant of the program, which has room for its devices and no others.
template <std::size_t Ranks>
constexpr problem problem_of_all(const cluster<Ranks>& c, endpoints ends) {
  if (c.size() == Ranks || c.size() == 0) return problem_of(c, ends);
  return sentence("the cluster has ", c.size(), " devices and room for ", Ranks, ": make it a cluster<",
                  c.size(), ">.");
}

}  // namespace deploy

/// A plan as a constant of the program; `ends` says where the input starts and the result is wanted. For an
/// impossible network or cluster it is empty. That the memories suffice is looked at by `deploy::check`, as
/// by every executor.
template <model::network_type Network, std::size_t Ranks>
constexpr auto make_plan(const cluster<Ranks>& c, policy strategy, endpoints ends = {}) {
  if constexpr (Ranks > 0)
    if (Network::spec.is_possible && deploy::problem_of_all(c, ends).empty())
      return planner::make_plan<Network::spec.size()>(Network::spec.list(), c, strategy, ends);
  return plan<Network::spec.size(), Ranks>{strategy, ends, {}, route::direct};
}

namespace deploy {

template <model::network_type Network, const auto& Cluster, policy Strategy, endpoints Ends>
constexpr auto plan_in_pieces() {
  if constexpr (Network::spec.is_possible && problem_of_all(Cluster, Ends).empty())
    return planner::planned<Network::spec, Cluster, Strategy, Ends>;
  else
    return make_plan<Network>(Cluster, Strategy, Ends);
}

}  // namespace deploy

/// The same plan, worked out in pieces that no compiler finds too long: its cluster is a constant with static
/// storage, as a deployment's.
template <model::network_type Network, const auto& Cluster, policy Strategy, endpoints Ends = endpoints{}>
inline constexpr auto planned = deploy::plan_in_pieces<Network, Cluster, Strategy, Ends>();

namespace deploy {

/// Why the memories do not suffice for what each device `needs`, by the one that lacks the most; empty when
/// they do.
template <std::size_t Ranks>
constexpr problem memory_problem_of(const cluster<Ranks>& c, policy strategy,
                                    const std::array<planner::footprint, Ranks>& needs) {
  std::size_t worst = 0, most = 0, lacking = 0, sum = 0;
  for (std::size_t r = 0; r < Ranks; ++r) {
    const std::size_t missing = planner::missing_bytes(c, r, needs[r]);
    if (missing > most) worst = r, most = missing;
    lacking += missing > 0, sum += missing;
  }
  if (lacking == 0) return {};
  const device& d = c.devices[worst];
  const planner::footprint& f = needs[worst];
  auto found = sentence("device '", d.name, "' (rank ", worst, ") needs ", f.bytes(), " bytes under policy ",
                        name_of(strategy), " (weights ", f.weight_bytes, ", arena ", f.arena_bytes,
                        ") but has ", d.memory.bytes, ": ", most, most == 1 ? " byte" : " bytes", " too few");
  if (lacking > 1) found.append(", all devices lack ").append(sum);
  return found.append("; choose ")
      .append(strategy == policy::optimal ? "more devices or memory."
                                          : "another policy, more devices or memory.");
}

/// Why the devices' memories do not suffice; empty when they do.
template <std::size_t Operators, std::size_t Ranks>
constexpr problem memory_problem_of(op_list ops, const cluster<Ranks>& c, const plan<Operators, Ranks>& p) {
  const auto all = planner::spell_out(ops, p);
  std::array<planner::footprint, Ranks> needs{};
  for (std::size_t r = 0; r < Ranks; ++r) needs[r] = planner::footprint_of(ops, p, all, r);
  return memory_problem_of(c, p.strategy, needs);
}

/// The same of constants.
template <deployment D, std::size_t... Rank>
constexpr problem memory_problem_from(std::index_sequence<Rank...>) {
  using spelled = planner::spelled<D::network::spec, D::plan>;
  return memory_problem_of(D::cluster, D::plan.strategy,
                           std::array<planner::footprint, sizeof...(Rank)>{spelled::template needs<Rank>...});
}

template <deployment D>
constexpr problem problem_of() {
  constexpr auto& ops = D::network::spec;
  if constexpr (!ops.is_possible) {
    return sentence("the network cannot be.");  // which it says itself
  } else if constexpr (D::plan.operators() != ops.size() ||
                       D::plan.ranks() != D::cluster.devices.capacity()) {
    return sentence("the plan is for ", D::plan.operators(), " operators on ", D::plan.ranks(),
                    " devices, the deployment has ", ops.size(), " on ", D::cluster.size(),
                    ": make the plan from this network and this cluster.");
  } else {
    constexpr problem impossible = problem_of_all(D::cluster, D::plan.ends);
    constexpr problem misfit = impossible.empty() ? cut_problem_of(ops.list(), D::plan) : impossible;
    if constexpr (misfit.empty())
      return memory_problem_from<D>(std::make_index_sequence<D::plan.ranks()>());
    else
      return misfit;
  }
}

/// Worked out once for all who ask.
template <deployment D>
inline constexpr problem problem_with = problem_of<D>();

/// True when the deployment is possible; otherwise the compiler quotes why it is not, of an impossible
/// network where that is written.
template <deployment D>
constexpr bool check() {
  if constexpr (D::network::spec.is_possible) return accept<problem_with<D>>();
  return true;
}

/// The same for a rank of it.
template <deployment D, std::size_t Rank>
constexpr bool check_rank() {
  constexpr auto reason = Rank < D::plan.ranks()
                              ? sentence("")
                              : sentence("executor<Deployment, ", Rank, "> needs a rank below ",
                                         D::plan.ranks(), ", the number of devices.");
  return accept<reason>();
}

template <deployment D>
constexpr comm::identity identity_of() {
  return {digest_of(D::network::spec.list()).value, digest_of(D::plan).value, D::plan.ranks(), 0};
}

}  // namespace deploy
}  // namespace iop
