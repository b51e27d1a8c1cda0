// SPDX-License-Identifier: MIT
#include "planned_rank.hpp"

#include <iop/deploy/program.hpp>
#include <iop/exec/interpreter.hpp>
#include <iop/file/huge_pages.hpp>
#include <iop/planner/policies.hpp>

#include <algorithm>
#include <optional>

namespace iop_cluster {

namespace {

constexpr std::size_t most_operators = 80;  // of the networks that are measured

template <std::size_t Ranks>
class interpreted_rank final : public planned_rank {
 public:
  using plan = iop::plan<most_operators, Ranks>;
  using program = iop::deploy::program<most_operators, Ranks>;

  interpreted_rank(const iop_bench::network& net, const plan& made, std::size_t rank)
      : network_{net.ops, net.names, net.norm_names},
        identity_{iop::digest_of(net.ops).value, iop::digest_of(made).value, Ranks, 0},
        program_(std::make_unique<program>(
            iop::deploy::program_builder<most_operators, Ranks>(net.ops, made, rank).build())),
        weights_(program_->weight_floats),
        arena_(program_->arena_floats) {}

  iop::comm::identity identity() const override { return identity_; }
  std::size_t weight_bytes() const override { return program_->weight_floats * sizeof(float); }
  std::size_t arena_bytes() const override { return program_->arena_floats * sizeof(float); }

  iop::error load(const iop::file::safetensors& weights, slow_link& link) override {
    me_.emplace(network_, *program_, weights_.all(), arena_.all(), weights, link);
    return me_->status();
  }

  iop::result<std::span<const float>> run(std::span<const float> image, watcher& observer) override {
    return me_->run(image, observer);
  }

 private:
  iop::exec::network_view network_;
  iop::comm::identity identity_;
  std::unique_ptr<program> program_;
  iop::file::huge_page_floats weights_, arena_;
  std::optional<iop::exec::interpreter<most_operators, Ranks>> me_;
};

}  // namespace

template <>
std::unique_ptr<planned_rank> plan_rank<IOP_RANKS>(const iop_bench::network& net, const what_if::setup& s,
                                                   iop::policy policy, std::size_t rank) {
  iop::cluster<IOP_RANKS> c;
  for (const iop::device& d : s.cluster.devices) c.devices.push_back(d);
  for (std::size_t a = 0; a < IOP_RANKS; ++a)
    for (std::size_t b = 0; b < IOP_RANKS; ++b) c.links[a][b] = s.cluster.between(a, b);
  const auto made = iop::planner::make_plan<most_operators>(net.ops, c, policy, s.ends);
  return std::make_unique<interpreted_rank<IOP_RANKS>>(net, made, rank);
}

}  // namespace iop_cluster
