// SPDX-License-Identifier: MIT
#pragma once

// How a label gets what an operator needs: from which of its values, and by which route. Several inputs that
// must be fetched take the same route.

#include <iop/planner/frontier.hpp>
#include <iop/planner/moves.hpp>

#include <cstddef>

namespace iop::planner {

/// How a label gets the inputs of a query.
struct fetching {
  std::size_t sources[4]{};
  bool is_there[4]{};
  std::size_t count = 0;
  route how = route::direct;
  double seconds = 0;
  bool waits = false;
};

template <std::size_t Most, std::size_t Operators, std::size_t Ranks>
class fetches {
 public:
  constexpr fetches(const problem<Operators, Ranks>& p, std::size_t reader, const stage<Ranks, Most>& own,
                    const frontier<Ranks, Most>& before)
      : o_(p.ops[reader]),
        inputs_(o_.inputs.size()),
        stage_(own),
        before_(before),
        moves_(p, reader, own, before.values) {}

  constexpr moves_to<Most, Operators, Ranks>& moves() { return moves_; }

  constexpr bool fetches_sum(const fetching& f) const {
    for (std::size_t k = 0; k < inputs_; ++k)
      if (!f.is_there[k] && before_.values.entries[f.sources[k]].held.is_partial) return true;
    return false;
  }

  /// The value of the input, when there is one input and the label has it once.
  constexpr std::size_t only_source(std::size_t from) const {
    if (inputs_ != 1) return nowhere;
    std::size_t only = nowhere;
    for (std::size_t k = 0; k < before_.live_count[from]; ++k) {
      const std::size_t v = before_.live[from * most_live + k];
      if (before_.values.entries[v].held.tensor != o_.inputs[0]) continue;
      if (only != nowhere) return nowhere;
      only = v;
    }
    return only;
  }

  constexpr fetching find_sources(std::size_t from, std::size_t q) {
    fetching f{};
    for (std::size_t k = 0; k < inputs_; ++k) {
      f.sources[k] = source_of(from, k, stage_.query_needs[q * 4 + k], f.is_there[k]);
      f.count += f.is_there[k] ? 0 : 1;
    }
    return f;
  }

  /// The quickest route; false when what is needed is nowhere, or takes longer than `most`.
  constexpr bool find_route(std::size_t q, fetching& f, double most) {
    if (inputs_ == 1) {
      const std::size_t need = stage_.query_needs[q * 4];
      if (moves_.least_seconds(f.sources[0], 0, need) > most) return false;
      const move_costs& c = moves_.costs(f.sources[0], 0, need);
      f.waits = c.has_messages;
      f.how = c.quickest;
      f.seconds = c.of(c.quickest);
      return f.seconds != move_costs::impossible;
    }
    double least = 0;  // of all that are fetched
    for (std::size_t k = 0; k < inputs_; ++k)
      if (!f.is_there[k]) least += moves_.least_seconds(f.sources[k], k, stage_.query_needs[q * 4 + k]);
    if (least > most) return false;
    move_costs each[4]{};
    std::size_t count = 0;
    for (std::size_t k = 0; k < inputs_; ++k) {
      if (f.is_there[k]) continue;
      each[count] = moves_.costs(f.sources[k], k, stage_.query_needs[q * 4 + k]);
      f.waits = f.waits || each[count].has_messages;
      ++count;
    }
    if (count == 1) {
      f.how = each[0].quickest;
      f.seconds = each[0].of(f.how);
      return f.seconds != move_costs::impossible;
    }
    f.seconds = no_limit;
    for (const route how : all_routes) {
      double sum = 0;
      for (std::size_t k = 0; k < count; ++k) {
        // With several inputs, one may gain from a route by which another goes directly.
        const double by_it = each[k].of(how);
        sum += by_it == move_costs::impossible ? each[k].of(route::direct) : by_it;
      }
      if (sum < f.seconds) f.seconds = sum, f.how = how;
      if (!f.waits) break;
    }
    return f.seconds != no_limit;
  }

 private:
  /// The value that the needed boxes are taken or fetched from, as `provide` of the schedule finds it.
  constexpr std::size_t source_of(std::size_t from, std::size_t input, std::size_t need, bool& there) {
    const std::size_t tensor = o_.inputs[input];
    std::size_t source = nowhere;
    for (std::size_t k = 0; k < before_.live_count[from]; ++k) {
      const std::size_t v = before_.live[from * most_live + k];
      if (before_.values.entries[v].held.tensor != tensor) continue;
      if (moves_.is_there(v, input, need)) {
        there = true;
        return v;
      }
      if (source == nowhere || moves_.covers(v, input, need)) source = v;
    }
    return source;
  }

  op o_;  ///< a copy, see search_pieces.hpp
  std::size_t inputs_;
  const stage<Ranks, Most>& stage_;
  const frontier<Ranks, Most>& before_;
  moves_to<Most, Operators, Ranks> moves_;
};

}  // namespace iop::planner
