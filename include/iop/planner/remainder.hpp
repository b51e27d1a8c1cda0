// SPDX-License-Identifier: MIT
#pragma once

// What remains of the inference behind the operators on the spine, as bounds know it: of each choice, and
// from each query of an exchange. `reader_ahead` is the next operator on the spine as the one before it sees
// it.

#include <iop/planner/joins.hpp>
#include <iop/planner/stage.hpp>

#include <cstddef>

namespace iop::planner {

/// The least seconds to the end of the inference, by what comes next.
struct remainder {
  double onward = no_limit;  ///< behind the mean of the devices, when they go on or an exchange comes next
  double fewer = no_limit;   ///< behind the first device, when only some of them go on

  constexpr double from(double typical, double least) const {
    return typical + onward < least + fewer ? typical + onward : least + fewer;
  }
};

/// Of an operator on the spine.
template <std::size_t Ranks, std::size_t Most>
struct remainders {
  column<double, Most> onward{}, fewer{};              ///< behind each option
  column<double, Most> past_side{};                    ///< onward, behind the reader beside the spine, if any
  column<double, Most> going_onward{}, going_fewer{};  ///< before it, when a run goes on with it
  column<double, Most> arriving{};                     ///< before it, from an exchange
  double least_arriving = no_limit;                    ///< of the options
  std::size_t query_count = 0;
  column<double, Most> query_arriving{};  ///< the least of its options, of each query
  column<std::size_t, Most> order{};      ///< of the queries, by that
  ways_to_join<Ranks, Most> ways{};
  /// Of each value and query of the next operator, for the twin before: the seconds of the move; negative:
  /// what it takes at least; 0: unknown.
  column<double, Most * 16> moves{};

  constexpr remainder behind(std::size_t option) const { return {onward[option], fewer[option]}; }
};

/// The devices that go on without an exchange, and which of them stands for all, see `stage`.
struct running {
  rank_set ranks = 0;
  std::size_t typical_rank = 0;
};

/// The next operator on the spine, and what remains there.
template <std::size_t Most, std::size_t Operators, std::size_t Ranks>
struct reader_ahead {
  using table = remainders<Ranks, Most>;

  std::size_t index = 0;  ///< 0: there is none
  const stage<Ranks, Most>* own = nullptr;
  const table* remains = nullptr;
  bool is_free = false;    ///< going on with it takes no time of its own
  bool is_joined = false;  ///< it has several inputs
  bool is_join = false;    ///< and is the one that ways lead to
  std::size_t input = 0;   ///< which of its inputs the operator before it makes

  constexpr reader_ahead(const problem<Operators, Ranks>& p, std::size_t before, std::size_t next,
                         const stage<Ranks, Most>* reader, const table* behind)
      : index(next), own(reader), remains(behind), is_join(next == p.main_path.join[before]) {
    if (!exists()) return;
    const op& o = p.ops[index];
    is_free = is_channelwise(o) && !is_weighted(o);
    is_joined = o.inputs.size() > 1;
    while (o.inputs[input] != before) ++input;
  }

  // Not by the pointers: under sanitizers g++ does not compare those of constants with null.
  constexpr bool exists() const { return index != 0; }

  /// It goes on with one of its options on those devices, and the same one stands for all.
  constexpr bool is_like(std::size_t option, const running& before) const {
    return own->busy[option] == before.ranks && own->typical_rank[option] == before.typical_rank;
  }

  /// When it goes on with one of its options where those hold what that needs.
  constexpr remainder going_on(std::size_t option, const running& before) const {
    const rank_set busy = own->busy[option];
    if ((busy & ~before.ranks) != 0) return {0, 0};  // what it needs is padding only: nothing is known
    const double onward = remains->going_onward[option], fewer = remains->going_fewer[option];
    if (busy == before.ranks && own->typical_rank[option] == before.typical_rank) return {onward, fewer};
    return {no_limit, onward < fewer ? onward : fewer};
  }
};

/// How what an operator makes gets on to its reader: the reader's queries in the order of what remains from
/// them, and of one value the moves there.
template <std::size_t Most>
struct ways_on {
  std::size_t looked_at = 0;                    ///< queries: moves to the others take longer
  column<double, Most> move{};                  ///< what a move there takes at least
  std::size_t stays = 0;                        ///< options of the reader that need no move
  column<std::size_t, Most> place{}, option{};  ///< of each its query's place in the order, and its number

  constexpr void stay(std::size_t at, std::size_t with) {
    if constexpr (Most == unbounded) grow(place, stays + 1), grow(option, stays + 1);
    place[stays] = at, option[stays++] = with;
  }
};

}  // namespace iop::planner
