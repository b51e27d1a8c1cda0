// SPDX-License-Identifier: MIT
#pragma once

// The least that a label takes to the end by the ways to the next join: along the spine, and to have the
// join's other input where the way needs it. What ways_behind.hpp has found, as a step of the search uses it.

#include <iop/planner/frontier.hpp>

#include <cstddef>

namespace iop::planner {

template <std::size_t Most, std::size_t Operators, std::size_t Ranks>
class ways_ahead {
 public:
  /// Behind operator `index`; `spine`: what remains behind it, or else the next one that is on the spine.
  constexpr ways_ahead(const problem<Operators, Ranks>& p, std::size_t index,
                       const remainders<Ranks, Most>& spine)
      : ways_(spine.ways), on_spine_(p.main_path.has[index]) {
    if (ways_.count == 0) return;
    const std::size_t at = on_spine_ ? index : p.main_path.next[p.main_path.before[index]];
    other_ = p.ops[p.main_path.join[at]].inputs[p.main_path.other_input[at]];
    least_ = least_move<Operators, Ranks>(p, other_);
    exist_ = other_ <= index;
    for (std::size_t reader = index + 1; reader < at; ++reader)
      for (const std::size_t input : p.ops[reader].inputs)
        if (input == other_) exist_ = false;
    if (on_spine_ || !exist_) return;
    for (double& each : arriving_) each = no_limit;
    for (std::size_t q = 0; q < spine.query_count; ++q) {
      const std::size_t row = ways_.query_row[q];
      for (std::size_t w = 0; w < ways_.count; ++w) {
        const double seconds = row == nowhere ? spine.query_arriving[q] : ways_.arriving[row + w];
        if (seconds < arriving_[w]) arriving_[w] = seconds;
      }
    }
  }

  /// They are told apart behind that option of the operator.
  constexpr bool are_known(std::size_t option) const {
    return exist_ && !(on_spine_ && ways_.row[option] == nowhere);
  }

  /// No plan that goes on from the label ends earlier. `typical` and `least` are of its clocks.
  constexpr double bound(const label<Ranks>& next, const layout_table<Ranks, Most>& values, double typical,
                         double least) {
    const std::size_t row = on_spine_ ? ways_.row[next.chosen] : 0, count = ways_.count;
    std::size_t sources[most_live]{}, source_count = 0;
    for (std::size_t k = 0; k < next.live_count; ++k)
      if (values.entries[next.live[k]].held.tensor == other_) sources[source_count++] = next.live[k];
    double best = no_limit, soonest = next.latest;
    for (std::size_t r = 0; r < Ranks; ++r)
      if (next.clock[r] < soonest) soonest = next.clock[r];
    for (std::size_t w = 0; w < count; ++w) {
      double seconds = soonest + arriving_[w];
      if (on_spine_) {
        seconds = typical + ways_.onward[row + w];
        if (least + ways_.fewer[row + w] < seconds) seconds = least + ways_.fewer[row + w];
      }
      if (seconds >= best) continue;
      double fetching = w < ways_.known ? no_limit : 0;
      for (std::size_t k = 0; k < source_count && w < ways_.known; ++k) {
        const double by_it = fetching_of(values, sources[k], w);
        if (by_it < fetching) fetching = by_it;
      }
      if (seconds + fetching < best) best = seconds + fetching;
    }
    return best;
  }

 private:
  /// To have a value where a way needs it.
  constexpr double fetching_of(const layout_table<Ranks, Most>& values, std::size_t value, std::size_t way) {
    if constexpr (Most == unbounded) grow(fetching_, (value + 1) * most_ways);
    double& known = fetching_[value * most_ways + way];
    if (known == 0) {
      known_layout<Ranks> source = values.entries[value], needed = ways_.needed[way];
      known = 1 + least_.received_seconds(source, needed);
    }
    return known - 1;
  }

  const ways_to_join<Ranks, Most>& ways_;
  bool on_spine_;
  bool exist_ = false;     ///< and the input of the join that is not on the spine is made
  std::size_t other_ = 0;  ///< that input
  least_move<Operators, Ranks> least_{};
  column<double, Most * most_ways> fetching_{};  ///< plus 1, of each value and way; 0: not yet known
  double arriving_[most_ways]{};                 ///< beside the spine: the least from there, by way
};

}  // namespace iop::planner
