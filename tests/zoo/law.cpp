// SPDX-License-Identifier: MIT
// The law of every plan (tests/laws/) for a network of the zoo, IOP_NETWORK, by every policy on 2, 3 and 5
// devices.
#include "../laws/distributed.hpp"
#include "networks.hpp"

#include IOP_PLANS

namespace {

using tested = zoo_test::IOP_NETWORK;

template <std::size_t Ranks, std::size_t Policy>
struct deployment {
  using network = tested;
  static constexpr auto cluster = zoo_test::devices<Ranks>();
  static constexpr auto plan = plans<Ranks>[Policy];
};

}  // namespace

TEMPLATE_TEST_CASE_SIG("every policy computes what one device does", "[zoo]", ((std::size_t Ranks), Ranks), 2,
                       3, 5) {
  const iop_test::random_weights weights;
  const auto image = iop_test::random_values(tested::spec.ops[0].out.size(), 1);
  const auto expected = iop_test::reference_scores<tested>(weights, image);
  [&]<std::size_t... Policy>(std::index_sequence<Policy...>) {
    (iop_test::check_against<deployment<Ranks, Policy>>(weights, image, expected), ...);
  }
  (std::make_index_sequence<std::size(iop::all_policies)>{});
}
