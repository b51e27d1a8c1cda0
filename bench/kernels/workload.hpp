// SPDX-License-Identifier: MIT
#pragma once

// One operator with its buffers, ready to run: through the same function that executors call, so that what is
// measured is what runs.

#include <iop/deploy/program.hpp>

#include <memory>
#include <vector>

namespace iop_bench {

class workload {
 public:
  workload(const iop::op& o, bool by_winograd);
  void run();

  /// The largest difference from sums in double precision, as a share of the largest output: of some channels
  /// of some pixels of a weighted operator. After a run.
  double error() const;

 private:
  /// On a cache line, as an executor's buffers are.
  struct buffer {
    std::vector<float> floats{};
    float* data() const;
  };
  static buffer make_buffer(std::size_t floats);

  float weight(std::size_t i) const;  ///< in PyTorch's order

  iop::op what_;
  iop::deploy::compute_step step_{};
  std::vector<iop::deploy::operand> operands_{};
  buffer weights_{}, arena_{};
  void (*compute_)(const iop::deploy::compute_step&, std::span<const iop::deploy::operand>, float* arena,
                   const float* weights) = nullptr;
};

}  // namespace iop_bench
