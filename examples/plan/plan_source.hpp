// SPDX-License-Identifier: MIT
#pragma once

// A plan as C++, for a deployment whose network is too large to be planned while it compiles. Nothing has to
// be believed: the deployment works out exchanges and memory from it and checks them as it does with its own
// plans.

#include <iop/planner/plan.hpp>

#include <fmt/format.h>

#include <cstddef>
#include <string>

namespace what_if {

/// An initialiser of iop::plan<operators, Ranks>; the plan may have room for more operators.
template <std::size_t Operators, std::size_t Ranks>
std::string initialiser_of(const iop::plan<Operators, Ranks>& p, std::size_t operators) {
  std::string text = fmt::format("iop::plan<{}, {}>{{\n    iop::policy::{}, {{{}, {}}}, {{\n", operators,
                                 Ranks, name_of(p.strategy), p.ends.input_rank, p.ends.output_rank);
  for (std::size_t i = 0; i < operators; ++i) {
    const auto& d = p.decisions[i];
    text += fmt::format("        {{iop::partition::{}, iop::route::{}, {{", name_of(d.how), name_of(d.fetch));
    for (std::size_t r = 0; r < Ranks; ++r)
      text += fmt::format("{}{{{}, {}}}", r == 0 ? "" : ", ", d.shares[r].begin, d.shares[r].end);
    text += d.winograd == 0 ? "}},\n" : fmt::format("}}, {}}},\n", d.winograd);
  }
  return text + fmt::format("    }}, iop::route::{}}}", name_of(p.deliver));
}

}  // namespace what_if
