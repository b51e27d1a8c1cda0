// SPDX-License-Identifier: MIT
#pragma once

// The columns of a table of choices as a list of choices, and back.

#include <iop/planner/choices.hpp>

#include <cstddef>
#include <vector>

namespace planner_test {

template <std::size_t Ranks, std::size_t Most>
std::vector<iop::planner::choice<Ranks>> list_of(const iop::planner::choice_table<Ranks, Most>& table) {
  std::vector<iop::planner::choice<Ranks>> all;
  for (std::size_t n = 0; n < table.size(); ++n) all.push_back(table[n]);
  return all;
}

template <std::size_t Operators, std::size_t Ranks>
std::vector<std::vector<iop::planner::choice<Ranks>>> lists_of(
    const iop::planner::problem<Operators, Ranks>& p) {
  std::vector<std::vector<iop::planner::choice<Ranks>>> all;
  for (const auto& table : iop::planner::choices_of(p)) all.push_back(list_of(table));
  return all;
}

/// Drops choices of a table; the others stay in order.
template <std::size_t Ranks, class Drop>
void erase_if(iop::planner::choice_table<Ranks, iop::planner::unbounded>& table, Drop&& drop) {
  std::size_t kept = 0;
  std::size_t strips[iop::planner::longest_fusion + 1]{};
  for (std::size_t n = 0; n < table.count; ++n) {
    for (std::size_t d = 0; d <= iop::planner::longest_fusion; ++d)
      if (n == table.strips[d]) strips[d] = kept;
    if (drop(table[n])) continue;
    table.how[kept] = table.how[n];
    table.shares[kept] = table.shares[n];
    table.winograd[kept] = table.winograd[n];
    table.members[kept] = table.members[n];
    table.fused_until[kept] = table.fused_until[n];
    table.level[kept] = table.level[n];
    table.typical_rank[kept] = table.typical_rank[n];
    table.inside[kept] = table.inside[n];
    ++kept;
  }
  for (std::size_t d = 0; d <= iop::planner::longest_fusion; ++d)
    table.strips[d] = table.strips[d] < table.count ? strips[d] : kept;
  table.count = kept;
}

}  // namespace planner_test
