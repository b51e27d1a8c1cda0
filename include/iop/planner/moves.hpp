// SPDX-License-Identifier: MIT
#pragma once

// What it takes to bring the values of one step of the search to where the step's operator needs them, looked
// up once for each pair.

#include <iop/planner/least_move.hpp>
#include <iop/planner/room.hpp>
#include <iop/planner/stage.hpp>

#include <cstddef>
#include <cstdint>

namespace iop::planner {

template <std::size_t Most, std::size_t Operators, std::size_t Ranks>
class moves_to {
 public:
  /// `values`: of all tensors that are read from here on.
  constexpr moves_to(const problem<Operators, Ranks>& p, std::size_t reader, const stage<Ranks, Most>& own,
                     const layout_table<Ranks, Most>& values)
      : p_(p), values_(values), is_only_input_(p.ops[reader].inputs.size() == 1) {
    for (std::size_t k = 0; k < p.ops[reader].inputs.size(); ++k) {
      needs_[k] = &own.needs[k];
      least_[k] = least_move<Operators, Ranks>(p, p.ops[reader].inputs[k]);
      const std::size_t pairs = values.count * own.needs[k].count;
      is_known_[k] = pairs <= room_in(states_[k]);
      if (is_known_[k]) grow(states_[k], pairs);
    }
  }

  /// The needed boxes are where they are needed.
  constexpr bool is_there(std::size_t v, std::size_t input, std::size_t need) {
    if ((needs_[input]->ranks[need] & ~values_.ranks[v]) != 0) return false;
    if (!is_known_[input]) return provided(v, input, need);
    std::uint32_t& state = states_[input][v * needs_[input]->count + need];
    if (state == unknown) state = provided(v, input, need) ? there : elsewhere;
    return state == there;
  }

  /// All ranks together have them.
  constexpr bool covers(std::size_t v, std::size_t input, std::size_t need) const {
    const known_layout<Ranks>& source = values_.entries[v];
    if (source.held.is_partial || !(source.all_rows || source.all_channels)) return false;
    return source.is_everywhere || planner::covers(source.held.of, needs_[input]->entries[need].held.of);
  }

  /// No route takes less; of a value that is not there.
  constexpr double least_seconds(std::size_t v, std::size_t input, std::size_t need) const {
    if (is_known_[input] && states_[input][v * needs_[input]->count + need] >= first_cost) return 0;
    known_layout<Ranks> source = values_.entries[v];
    known_layout<Ranks> needed = needs_[input]->entries[need];
    const least_move<Operators, Ranks>& least = least_[input];
    return source.is_cut_once ? least.seconds(source, needed) : least.received_seconds(source, needed);
  }

  constexpr const move_costs& costs(std::size_t v, std::size_t input, std::size_t need) {
    if (!is_known_[input]) return last_ = costs_on(v, input, need);
    std::uint32_t& state = states_[input][v * needs_[input]->count + need];
    if (state < first_cost) {
      state = static_cast<std::uint32_t>(first_cost + count_);
      grow(costs_, ++count_);
      costs_[count_ - 1] = costs_on(v, input, need);
    }
    return costs_[state - first_cost];
  }

  /// The layouts on the way.
  constexpr round_layouts<Ranks> rounds(std::size_t v, std::size_t input, std::size_t need, route how) const {
    const holding<Ranks>& from = values_.entries[v].held;
    const layout<Ranks>& needed = needs_[input]->entries[need].held.of;
    return rounds_of(from.of, from.is_partial, needed, how, p_.ops[from.tensor].out,
                     collecting_rank(p_.ends, needed));
  }

  /// What a rank's memory must hold meanwhile.
  constexpr const move_room<Ranks>& room(std::size_t v, std::size_t input, std::size_t need, route how) {
    const std::size_t routes = std::size(all_routes);
    const std::size_t pairs = values_.count * needs_[input]->count * routes;
    const std::size_t pair = (v * needs_[input]->count + need) * routes + static_cast<std::size_t>(how);
    auto& numbers = room_numbers_[input];  // 0: not yet known
    if (pairs > room_in(numbers) || room_count_ == room_in(rooms_))
      return last_room_ = room_on(v, input, need, how);
    grow(numbers, pairs);
    if (numbers[pair] == 0) {
      grow(rooms_, ++room_count_);
      rooms_[room_count_ - 1] = room_on(v, input, need, how);
      numbers[pair] = static_cast<std::uint32_t>(room_count_);
    }
    return rooms_[numbers[pair] - 1];
  }

 private:
  enum : std::uint32_t { unknown, there, elsewhere, first_cost };

  constexpr move_costs costs_on(std::size_t v, std::size_t input, std::size_t need) const {
    known_layout<Ranks> from = values_.entries[v], needed = needs_[input]->entries[need];
    return costs_of(p_, from.held, from.shared, needed.held.of, is_only_input_);
  }

  constexpr bool provided(std::size_t v, std::size_t input, std::size_t need) const {
    const holding<Ranks>& held = values_.entries[v].held;
    return !held.is_partial && provides(held.of, needs_[input]->entries[need].held.of);
  }

  constexpr move_room<Ranks> room_on(std::size_t v, std::size_t input, std::size_t need, route how) const {
    const value<Ranks> from = values_.entries[v].held.unpacked();
    round_list<Ranks> reached;
    for (const layout<Ranks>& each : rounds(v, input, need, how))
      reached.push_back(holding<Ranks>{from.tensor, false, each}.unpacked());
    return room_of(p_, from, reached);
  }

  const problem<Operators, Ranks>& p_;
  const layout_table<Ranks, Most>* needs_[4]{};  ///< of each input
  least_move<Operators, Ranks> least_[4]{};
  const layout_table<Ranks, Most>& values_;
  bool is_only_input_;  ///< then the quickest route is all that matters
  bool is_known_[4]{};
  column<std::uint32_t, Most * 16> states_[4]{};  ///< of each pair of value and need
  column<move_costs, Most> costs_{};
  std::size_t count_ = 0;
  move_costs last_{};
  // In constants all is plain: what must be destroyed takes its arrays along, one element after the other.
  column<std::uint32_t, Most * 16> room_numbers_[4]{};
  column<move_room<Ranks>, Most> rooms_{};
  std::size_t room_count_ = 0;
  move_room<Ranks> last_room_{};
};

}  // namespace iop::planner
