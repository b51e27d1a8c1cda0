// SPDX-License-Identifier: MIT
// What one device holds: this rank's weights and steps under every policy and nothing of the other ranks.

#include "rank.hpp"

#include "deployments.hpp"

#include <iop/iop.hpp>

#include <optional>
#include <utility>

namespace lenet5 {

const std::size_t device_count = IOP_DEVICES, own_rank = IOP_RANK;

namespace {

template <iop::policy Policy>
class program_under final : public rank_program {
  using executor = iop::executor<porch<IOP_DEVICES, Policy>, IOP_RANK>;

 public:
  iop::comm::identity identity() const override { return executor::identity(); }
  std::size_t weight_bytes() const override { return executor::weight_bytes(); }
  std::size_t arena_bytes() const override { return executor::arena_bytes(); }

  iop::error load(const iop::file::safetensors& weights, iop::comm::tcp_mesh& mesh) override {
    return executor_.emplace(weights, mesh).status();
  }
  iop::result<std::span<const float>> run(std::span<const float> image) override {
    return executor_->run(image);
  }

 private:
  std::optional<executor> executor_{};
};

/// Only the one that runs is ever made, in memory that the linker laid out.
template <iop::policy Policy>
constinit program_under<Policy> program{};

template <std::size_t... Indices>
rank_program& find(iop::policy policy, std::index_sequence<Indices...>) {
  rank_program* found = &program<policies[0]>;
  (void)((policies[Indices] == policy && (found = &program<policies[Indices]>, true)) || ...);
  return *found;
}

}  // namespace

rank_program& rank_under(iop::policy policy) {
  return find(policy, std::make_index_sequence<std::size(policies)>{});
}

}  // namespace lenet5
