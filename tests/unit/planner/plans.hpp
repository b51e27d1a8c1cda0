// SPDX-License-Identifier: MIT
#pragma once

// Plans made at run time: every policy for every odd network on one to five unlike devices, random plans, and
// the comparisons with an independent model.

#include <iop/planner/policies.hpp>
#include <string_view>
#include <type_traits>

#include "support/odd_networks.hpp"
#include "support/published_networks.hpp"
#include "support/random_plan.hpp"
#include "support/trial.hpp"

namespace planner_test {

/// Enough for each network, so that the planner is compiled once for each number of ranks.
inline constexpr std::size_t most_operators = 24;

struct example {
  std::string_view name;
  iop::op_list ops;
};

inline const example odd_networks[] = {
    {"tiny_lenet", iop_test::tiny_lenet::spec.list()},
    {"three_channels", iop_test::three_channels::spec.list()},
    {"strided", iop_test::strided::spec.list()},
    {"dilated", iop_test::dilated::spec.list()},
    {"grouped", iop_test::grouped::spec.list()},
    {"depthwise", iop_test::depthwise::spec.list()},
    {"overlapping_pools", iop_test::overlapping_pools::spec.list()},
    {"only_dense", iop_test::only_dense::spec.list()},
    {"only_convolutions", iop_test::only_convolutions::spec.list()},
    {"narrow", iop_test::narrow::spec.list()},
    {"asymmetric", iop_test::asymmetric::spec.list()},
    {"deep", iop_test::deep::spec.list()},
    {"one_by_one", iop_test::one_by_one::spec.list()},
    {"identity_residuals", iop_test::identity_residuals::spec.list()},
    {"projected_residuals", iop_test::projected_residuals::spec.list()},
    {"inverted_residuals", iop_test::inverted_residuals::spec.list()},
    {"fire", iop_test::fire::spec.list()},
    {"inception", iop_test::inception::spec.list()},
    {"response_norms", iop_test::response_norms::spec.list()},
    {"every_activation", iop_test::every_activation::spec.list()},
};

template <std::size_t Ranks>
auto plan_for(const example& e, const iop::cluster<Ranks>& c, iop::policy p, iop::endpoints ends = {}) {
  return iop::planner::make_plan<most_operators>(e.ops, c, p, ends);
}

/// Calls visit(example, cluster, plan) for each policy, odd network and number of ranks.
template <class Visit>
void for_each_plan(Visit&& visit) {
  const auto on = [&]<std::size_t Ranks>(std::integral_constant<std::size_t, Ranks>) {
    const auto c = iop_test::unlike_cluster<Ranks>();
    for (const example& e : odd_networks)
      for (const iop::policy p : iop::all_policies)
        visit(e, c, plan_for(e, c, p, {Ranks > 1 ? std::size_t{1} : 0, Ranks - 1}));
  };
  on(std::integral_constant<std::size_t, 1>{});
  on(std::integral_constant<std::size_t, 2>{});
  on(std::integral_constant<std::size_t, 3>{});
  on(std::integral_constant<std::size_t, 4>{});
  on(std::integral_constant<std::size_t, 5>{});
}

/// Calls visit(example, plan, seed) for 100 random plans of each odd network on two to five ranks.
template <class Visit>
void for_each_random_plan(Visit&& visit) {
  const auto on = [&]<std::size_t Ranks>(std::integral_constant<std::size_t, Ranks>) {
    for (const example& e : odd_networks)
      for (std::uint64_t seed = 0; seed < 100; ++seed)
        visit(e, iop_test::random_plan<most_operators, Ranks>(e.ops, seed), seed);
  };
  on(std::integral_constant<std::size_t, 2>{});
  on(std::integral_constant<std::size_t, 3>{});
  on(std::integral_constant<std::size_t, 4>{});
  on(std::integral_constant<std::size_t, 5>{});
}

/// Three equal devices as in that model's table.
inline iop::cluster<3> equal_cluster(double message_seconds) {
  using namespace iop::literals;
  const auto device = [](std::string_view name) { return iop::device{name, 10_GFLOPs, 3_GBps, 8_GiB, 1}; };
  return iop::cluster{device("a"), device("b"), device("c"), iop::link{100_Mbitps, {message_seconds}, false}};
}

inline const example lenet5{"lenet5", iop_test::lenet5::spec.list()};
inline const example alexnet{"alexnet", iop_test::alexnet::spec.list()};
inline const example vgg11{"vgg11", iop_test::vgg11::spec.list()};
inline const example vgg16{"vgg16", iop_test::vgg16::spec.list()};

}  // namespace planner_test
