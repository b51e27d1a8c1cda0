// SPDX-License-Identifier: MIT
#pragma once

// One rank of a plan that is made at run time. The planner and the program are templates of the number of
// devices: planned_rank.cpp is compiled once for each number, IOP_RANKS, behind this interface.

#include "slow_device.hpp"
#include "slow_link.hpp"

#include <setup.hpp>
#include <support/zoo.hpp>

#include <iop/file/safetensors.hpp>

#include <cstddef>
#include <memory>
#include <span>

namespace iop_cluster {

class planned_rank {
 public:
  virtual ~planned_rank() = default;
  virtual iop::comm::identity identity() const = 0;
  virtual std::size_t weight_bytes() const = 0;
  virtual std::size_t arena_bytes() const = 0;
  virtual iop::error load(const iop::file::safetensors& weights, slow_link& link) = 0;
  virtual iop::result<std::span<const float>> run(std::span<const float> image, watcher& observer) = 0;
};

template <std::size_t Ranks>
std::unique_ptr<planned_rank> plan_rank(const iop_bench::network& net, const what_if::setup& s,
                                        iop::policy policy, std::size_t rank);

}  // namespace iop_cluster
