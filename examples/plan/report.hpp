// SPDX-License-Identifier: MIT
#pragma once

// A plan with all that follows from it, in types that no longer depend on the number of devices: what the
// table, the JSON and the page show. Times are those of the cost model.

#include "networks.hpp"
#include "setup.hpp"

#include <iop/planner/cost.hpp>
#include <iop/planner/footprint.hpp>

#include <cstddef>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace what_if {

/// One rank's part of an operator.
struct share {
  iop::range cut{};  ///< of what the partition cuts
  std::vector<iop::box> inputs{};
  iop::box output{};
  bool by_winograd = false;
  iop::planner::work work{};
  double seconds = 0;
};

struct operator_report {
  std::size_t number = 0;
  iop::partition how = iop::partition::single;
  bool is_fused = false;  ///< done by its producer while it stores its result, at no cost
  std::vector<share> ranks{};
};

/// A run of operators between two exchanges.
struct segment {
  std::vector<operator_report> operators{};
  std::vector<iop::planner::work> work{};  ///< of each rank
  std::vector<double> busy{};              ///< seconds of each rank
  double seconds = 0;
};

struct sent {
  std::size_t from = 0;
  std::size_t to = 0;
  std::size_t bytes = 0;
};

/// One round of messages.
struct exchange {
  std::size_t tensor = 0;  ///< the operator whose output moves
  std::string_view collective{};
  iop::route route = iop::route::direct;
  std::size_t round = 1;
  std::size_t rounds = 1;
  std::vector<sent> messages{};
  std::vector<double> busy{};  ///< seconds of each rank
  double seconds = 0;

  std::size_t bytes() const {
    std::size_t sum = 0;
    for (const sent& m : messages) sum += m.bytes;
    return sum;
  }
};

struct report {
  iop::policy policy{};
  iop::planner::prediction predicted{};
  std::vector<std::variant<segment, exchange>> steps{};
  std::vector<iop::planner::footprint> memory{};  ///< of each rank
  std::string problem{};                          ///< why it does not fit; empty when it does
  std::string source{};                           ///< the plan as a C++ initialiser

  bool fits() const { return problem.empty(); }
};

/// Plans for the cluster, which must be possible.
report make_report(const network& n, const setup& s, iop::policy policy);

}  // namespace what_if
