// SPDX-License-Identifier: MIT
#pragma once

// One rank as its device's program sees it. What is compiled for the rank and its policies (rank.cpp) stands
// behind this door; what is the same for all (device.cpp) is compiled once.

#include <iop/comm/tcp.hpp>
#include <iop/core/result.hpp>
#include <iop/file/safetensors.hpp>
#include <iop/planner/plan.hpp>

#include <cstddef>
#include <span>

namespace lenet5 {

/// This rank's executor under one policy.
class rank_program {
 public:
  virtual iop::comm::identity identity() const = 0;
  virtual std::size_t weight_bytes() const = 0;
  virtual std::size_t arena_bytes() const = 0;

  /// Loads the rank's slices of the weights; an error when that fails.
  virtual iop::error load(const iop::file::safetensors& weights, iop::comm::tcp_mesh& mesh) = 0;
  /// One inference: rank 0 passes the image and gets the scores.
  virtual iop::result<std::span<const float>> run(std::span<const float> image) = 0;

 protected:
  ~rank_program() = default;
};

extern const std::size_t device_count, own_rank;

/// Of one of the `policies`.
rank_program& rank_under(iop::policy policy);

}  // namespace lenet5
