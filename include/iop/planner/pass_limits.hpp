// SPDX-License-Identifier: MIT
#pragma once

// What one pass of the search looks for: search_progress says it before each, and every step of the pass
// keeps to it.

#include <iop/planner/remainder.hpp>

#include <cstddef>

namespace iop::planner {

/// What a pass of the search looks for.
struct pass_limits {
  double seconds = no_limit;  ///< plans that take as long are of no interest
  std::size_t width = 0;      ///< labels kept for each value that an operator makes
  std::size_t beam = 0;       ///< labels kept of each operator, the most promising ones; 0: all
  bool compares = true;       ///< of two labels the worse is dropped
  double thrift = 0;          ///< how much longer a beam takes a plan to be that will lack memory
  std::size_t tries = 0;      ///< labels times choices of a step, where memory binds; 0: any number
};

}  // namespace iop::planner
