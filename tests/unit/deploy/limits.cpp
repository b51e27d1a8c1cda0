// SPDX-License-Identifier: MIT
// What compilers evaluate for one constant, without a flag, suffices for deep networks, for many devices and
// where memory is short.
#include <iop/deploy/program.hpp>
#include <iop/zoo/lenet5.hpp>
#include <iop/zoo/mobilenet.hpp>

#include "catch.hpp"

using namespace iop::literals;
using iop::policy;

namespace {

constexpr iop::link cable{100_Mbitps, 500_us}, radio{50_Mbitps, 2_ms, true};
constexpr iop::device quick{"quick", 10_GFLOPs, 3_GBps, 1_GiB};
constexpr iop::device scant{"scant", 2_GFLOPs, 1_GBps, 100_KiB}, hub{"hub", 10_GFLOPs, 3_GBps, 100_KiB};

constexpr iop::cluster three{quick, quick, quick, cable}, scarce{scant, hub, scant, radio};
constexpr iop::cluster eight{quick, quick, quick, quick, quick, quick, quick, quick, cable};
[[maybe_unused]] constexpr iop::device small{"small", 10_GFLOPs, 3_GBps, 6_MiB};
[[maybe_unused]] constexpr iop::cluster tight{small, small, small, small, small, small, small, small, cable};

template <class Network, const auto& Cluster, policy Strategy>
struct planned_on {
  using network = Network;
  static constexpr auto cluster = Cluster;
  static constexpr auto plan = iop::planned<Network, Cluster, Strategy>;
};

template <class D>
std::string problem() {
  return std::string(iop::deploy::problem_with<D>.view());
}

}  // namespace

TEST_CASE("limits: deep networks on many devices", "[deploy]") {
  using mobile = planned_on<iop::zoo::mobilenet_v2, eight, policy::output_channel>;
  CHECK(problem<mobile>().empty());
  CHECK(iop::deploy::program_of<mobile, 7>.steps.size() > 65);
  constexpr auto pairs = iop::planned<iop::zoo::mobilenet_v2, three, policy::interleaved>;
  CHECK(pairs == iop::make_plan<iop::zoo::mobilenet_v2>(three, policy::interleaved));
}

TEST_CASE("limits: little memory", "[deploy]") {
  CHECK(problem<planned_on<iop::zoo::lenet5, scarce, policy::optimal>>().empty());
#ifdef __clang__  // its limit is the lower one, and the longest test of all to compile need not be twice
  CHECK(problem<planned_on<iop::zoo::mobilenet_v2, tight, policy::optimal>>().empty());
#endif
}
