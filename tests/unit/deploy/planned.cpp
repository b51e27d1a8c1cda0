// SPDX-License-Identifier: MIT
// A plan that is worked out in pieces is the one that is worked out at once.
#include <iop/deploy/deployment.hpp>
#include <iop/zoo/lenet5.hpp>

#include "catch.hpp"
#include "support/odd_networks.hpp"

using namespace iop::literals;
using iop::policy;

namespace {

constexpr iop::link cable{100_Mbitps, 1_ms};
constexpr iop::device quick{"quick", 4_GFLOPs, 3_GBps, 1_GiB}, slow{"slow", 1_GFLOPs, 1_GBps, 1_GiB};
constexpr iop::device small{"small", 1_GFLOPs, 1_GBps, 96_KiB};
constexpr iop::device handy = [] {
  iop::device d = quick;
  d.winograd = 7_GFLOPs;
  return d;
}();

constexpr iop::device lively{"lively", 10_GFLOPs, 3_GBps, 100_KiB},
    roomy{"roomy", 1_GFLOPs, 300_MBps, 220_KiB};

constexpr iop::cluster<1> alone{quick, cable};
constexpr iop::cluster equal{quick, quick, quick, cable};
constexpr iop::cluster unlike{quick, slow, iop::link{cable}};
constexpr iop::cluster tight{small, small, small, cable};
constexpr iop::cluster uneven{lively, roomy, iop::link{cable}};
constexpr iop::cluster with_winograd{handy, slow, handy, cable};

template <class Network, const auto& Cluster, policy Strategy, iop::endpoints Ends>
void compare() {
  INFO(iop::name_of(Strategy) << " of " << Network::spec.size() << " operators on " << Cluster.size());
  CHECK((iop::planned<Network, Cluster, Strategy, Ends> == iop::make_plan<Network>(Cluster, Strategy, Ends)));
}

template <class Network, const auto& Cluster, iop::endpoints Ends = iop::endpoints{}>
void compare_all_but_optimal() {
  compare<Network, Cluster, policy::output_channel, Ends>();
  compare<Network, Cluster, policy::interleaved, Ends>();
  compare<Network, Cluster, policy::fused_spatial, Ends>();
}
template <class Network, const auto& Cluster, iop::endpoints Ends = iop::endpoints{}>
void compare_all() {
  compare_all_but_optimal<Network, Cluster, Ends>();
  compare<Network, Cluster, policy::optimal, Ends>();
}

}  // namespace

TEST_CASE("a plan in pieces is the plan", "[deploy]") {
  compare_all<iop_test::tiny_lenet, alone>();
  compare_all<iop_test::tiny_lenet, equal>();
  compare_all<iop::zoo::lenet5, uneven>();
  compare_all<iop_test::inverted_residuals, unlike, iop::endpoints{1, 0}>();
  compare_all<iop_test::projected_residuals, with_winograd>();
  compare_all<iop_test::fire, equal, iop::endpoints{0, 2}>();
}

TEST_CASE("with little memory a compiler looks at less", "[deploy]") {
  using network = iop_test::tiny_lenet;
  compare_all_but_optimal<network, tight>();
  const auto ops = network::spec.list();
  const auto seconds = [&](const auto& p) {
    CHECK(iop::planner::fits(ops, tight, p));
    return iop::planner::predict(ops, tight, p).makespan_seconds;
  };
  CHECK(seconds(iop::planned<network, tight, policy::optimal>) <=
        1.25 * seconds(iop::make_plan<network>(tight, policy::optimal)));
}
