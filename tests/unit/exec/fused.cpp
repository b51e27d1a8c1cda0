// SPDX-License-Identifier: MIT
#include <iop/comm/alone.hpp>
#include <iop/exec/executor.hpp>
#include <iop/exec/interpreter.hpp>

#include <algorithm>
#include <memory>
#include <vector>

#include "catch.hpp"
#include "support/trial.hpp"

namespace {

using namespace iop::literals;
using namespace iop::model;
using iop_test::random_weights;

/// Ends of blocks of all kinds: in tiles, by Winograd's algorithm, with a projection, with an activation, and
/// one that ends with a pooling, whose sum cannot be fused; before them a max_pool that can.
struct blocks : network<input<1, 32, 32>, conv2d<6, kernel<5>, pad<2>>, relu, max_pool<2>,  //
                        residual<conv2d<24, kernel<1>>, relu6, conv2d<6, kernel<1>>>,
                        residual<conv2d<20, kernel<3>, pad<1>>, relu, conv2d<20, kernel<3>, pad<1>>,
                                 project<conv2d<20, kernel<1>>>>,
                        relu, residual<conv2d<20, kernel<3>, pad<1>>, relu, conv2d<20, kernel<3>, pad<1>>>,
                        hard_swish, residual<max_pool<3, stride<1>, pad<1>>>, flatten, dense<10>> {};

template <bool Winograd>
struct alone {
  using network = blocks;
  static constexpr iop::device board{.name = "board",
                                     .compute = 1_GFLOPs,
                                     .memory_bandwidth = 1_GBps,
                                     .memory = 1_GiB,
                                     .winograd = {Winograd ? 4e9 : 0.0}};
  static constexpr iop::cluster cluster{board, iop::link{}};
  static constexpr auto plan = iop::planned<network, cluster, iop::policy::single_device>;
};

template <class D>
std::size_t count_of(iop::exec::fusion what) {
  constexpr const auto& steps = iop::deploy::program_of<D, 0>.steps;
  std::size_t count = 0;
  for (std::size_t i = 0; i < steps.size(); ++i)
    count += iop::exec::fusion_of(steps, D::network::spec.list(), i) == what;
  return count;
}

/// The scores with steps fused, and one after the other.
template <class D>
void compare() {
  const random_weights weights;
  iop::comm::alone mesh;
  const std::vector<float> image = iop_test::random_values(32 * 32, 4);
  const auto fused = std::make_unique<iop::executor<D, 0>>(weights, mesh);
  const auto scores = fused->run(image);
  REQUIRE(scores);

  static constexpr const auto& steps = iop::deploy::program_of<D, 0>;
  struct alignas(64) memory {
    float weights[std::max<std::size_t>(steps.weight_floats, 1)]{}, arena[steps.arena_floats]{};
  };
  const auto own = std::make_unique<memory>();
  const iop::exec::network_view net{D::network::spec.list(), D::network::spec.names,
                                    D::network::spec.norm_names};
  iop::exec::interpreter plain(net, steps, own->weights, own->arena, weights, mesh);
  const auto expected = plain.run(image);
  REQUIRE(expected);
  CHECK(std::ranges::equal(*scores, *expected));
}

}  // namespace

TEST_CASE("fused steps have the bits of steps one after the other", "[exec]") {
  using iop::exec::fusion;
  compare<alone<false>>();
  CHECK(count_of<alone<false>>(fusion::add) == 3);
  CHECK(count_of<alone<false>>(fusion::pool) == (iop::kernel::simd::lanes >= 8 ? 1 : 0));
  compare<alone<true>>();
  CHECK(count_of<alone<true>>(fusion::add) == 3);
}
