// SPDX-License-Identifier: MIT
#pragma once

// How fast this core is at each kind of operator: networks of usual shapes run whole, so that every operator
// finds its input as it does in an inference, and each step's computing is timed by its observer.

#include <iop/spec/cluster.hpp>

#include <cstddef>
#include <string>
#include <vector>

namespace calibrate {

/// One operator of a probe network: its work in the cost model's terms, and the seconds it took.
struct timed_operator {
  std::string what{};  ///< "conv2d 64x56x56 > 64x56x56, 3x3"
  enum class rate { wide, narrow, depthwise, winograd, reading, none } counts_for = rate::none;
  double flops = 0;
  double bytes = 0;
  double seconds = 0;
};

/// The device as measured, without a name and memory, and what it was fitted to.
struct device_model {
  iop::device device{};
  std::vector<timed_operator> operators{};

  /// What the cost model says that an operator takes.
  double seconds(const timed_operator& o) const;
};

/// Runs for about so many seconds, but each network at least three times. `is_small`: the rates that small
/// networks see, whose operators are short and whose weights stay in a cache.
device_model measure_device(double seconds, bool is_small);

}  // namespace calibrate
