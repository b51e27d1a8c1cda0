// SPDX-License-Identifier: MIT
#pragma once

// One operator as the search sees it: its options (choices with their times), the distinct values that they
// make, and the distinct boxes of inputs that they need. Worked out once for all passes of a search; what it
// costs to bring a value of the operator's main input to where an option needs it is remembered here too.

#include <iop/planner/choices.hpp>
#include <iop/planner/move.hpp>
#include <iop/planner/room.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <vector>

namespace iop::planner {

inline constexpr std::size_t nowhere = static_cast<std::size_t>(-1);
inline constexpr double no_limit = std::numeric_limits<double>::infinity();

/// The least seconds to the end of the inference, by what comes next (see bound.hpp).
struct remainder {
  double exchanged = no_limit;  ///< behind the latest device, when an exchange comes next
  double same = no_limit;       ///< behind the mean of the devices, when they go on
  double fewer = no_limit;      ///< behind the first device, when only some of them go on

  constexpr void improve(const remainder& other) {
    exchanged = std::min(exchanged, other.exchanged);
    same = std::min(same, other.same);
    fewer = std::min(fewer, other.fewer);
  }
};

template <std::size_t Ranks>
struct option {
  choice<Ranks> chosen{};
  double seconds[Ranks]{};
  std::size_t weights[Ranks]{};    ///< floats
  std::size_t workspace[Ranks]{};  ///< floats
  rank_set busy = 0;               ///< ranks that make something
  std::size_t made = 0;            ///< number of the value it makes
  std::size_t asked = 0;           ///< number of its query
  std::size_t next = nowhere;      ///< in a fused segment: the option for the next operator
  remainder behind{};              ///< behind this operator
  double arriving = 0;             ///< least seconds to the end, from an exchange before this operator
};

/// What the options have in common that need the same boxes of each input.
struct query {
  fixed_vector<std::size_t, 4> needs{};
  std::vector<std::size_t> options{};
  double arriving = no_limit;  ///< the least of its options
};

/// Layouts of one tensor, numbered; equal ones have one number.
template <std::size_t Ranks>
class layout_table {
 public:
  struct entry {
    holding<Ranks> held{};
    rank_set ranks = 0;                      ///< of `held`
    int count = 0;                           ///< of them
    std::size_t second = 0;                  ///< of them, or the only one
    double floats = 0, least = 0, most = 0;  ///< of all of them, and of one; of one column
    bool all_rows = true;                    ///< nobody's rows are cut
    bool all_channels = true;                ///< nobody's channels are cut
    bool is_everywhere = false;              ///< together the ranks hold all, cut along one dimension
  };

  constexpr std::size_t size() const { return entries_.size(); }
  constexpr const entry& operator[](std::size_t n) const { return entries_.data()[n]; }

  constexpr std::size_t number_of(const holding<Ranks>& h, const shape& extent) {
    std::size_t hash = h.is_partial ? 1 : 0;
    for (std::size_t r = 0; r < Ranks; ++r)
      hash = hash * 1000003 + h.of.top[r] + 31 * h.of.bottom[r] + 961 * h.of.first[r] + 29791 * h.of.last[r];
    const std::size_t* hashes = hashes_.data();
    const std::size_t count = hashes_.size();
    for (std::size_t n = 0; n < count; ++n)
      if (hashes[n] == hash && entries_[n].held == h) return n;
    entry next;
    next.held = h;
    next.ranks = h.of.ranks;
    for (std::size_t r = 0; r < Ranks; ++r) {
      if (h.of.bottom[r] == 0) continue;
      const double floats =
          static_cast<double>((h.of.bottom[r] - h.of.top[r]) * (h.of.last[r] - h.of.first[r]));
      next.floats += floats;
      if (next.count == 0 || floats < next.least) next.least = floats;
      if (floats > next.most) next.most = floats;
      if (next.count++ < 2) next.second = r;
      if (h.of.bottom[r] - h.of.top[r] != extent.height) next.all_rows = false;
      if (h.of.last[r] - h.of.first[r] != extent.channels) next.all_channels = false;
    }
    if (!h.is_partial && (next.all_rows || next.all_channels)) {
      layout<Ranks> all;
      all.put(next.second, whole(extent));
      next.is_everywhere = covers(h.of, all);
    }
    hashes_.push_back(hash);
    entries_.push_back(next);
    return count;
  }

  constexpr void reserve(std::size_t count) {
    hashes_.reserve(count);
    entries_.reserve(count);
  }

 private:
  std::vector<entry> entries_;
  std::vector<std::size_t> hashes_;
};

/// What is known about bringing values of one tensor to needs.
template <std::size_t Ranks>
class move_table {
 public:
  enum : std::uint32_t { unknown, first_cost };

  constexpr std::uint32_t& state(std::size_t from, std::size_t need, std::size_t needs) {
    const std::size_t at = from * needs + need;
    if (at >= states_.size()) states_.insert(states_.end(), (from + 8) * needs - states_.size(), unknown);
    return states_[at];
  }
  constexpr const move_costs& costs(std::uint32_t state) const { return costs_[state - first_cost]; }
  constexpr std::uint32_t remember(const move_costs& costs) {
    costs_.push_back(costs);
    return static_cast<std::uint32_t>(first_cost + costs_.size() - 1);
  }
  template <class Make>
  constexpr const move_room<Ranks>& room(std::uint32_t state, route how, Make&& make) {
    const std::size_t at = (state - first_cost) * std::size(all_routes) + static_cast<std::size_t>(how);
    if (at >= room_numbers_.size()) room_numbers_.resize(costs_.size() * std::size(all_routes), nowhere);
    if (room_numbers_[at] == nowhere) {
      room_numbers_[at] = rooms_.size();
      rooms_.push_back(make());
    }
    return rooms_[room_numbers_[at]];
  }

 private:
  std::vector<std::uint32_t> states_;
  std::vector<move_costs> costs_;
  std::vector<move_room<Ranks>> rooms_;
  std::vector<std::size_t> room_numbers_;  ///< of each cost and route
};

template <std::size_t Operators, std::size_t Ranks>
struct stage {
  std::vector<option<Ranks>> options;
  layout_table<Ranks> needs[4];  ///< of each input
  std::vector<query> queries;
  std::vector<std::size_t> order;  ///< of the queries, by the least seconds to the end
  layout_table<Ranks> values;  ///< of its tensor: first those that it can make, then those that are fetched
  move_table<Ranks> moves[4];  ///< of each input
  double least_arriving = no_limit;  ///< of its options
  std::size_t spine_next = 0;        ///< the operator with the most work from there on that reads it; or 0
  bool is_on_spine = false;          ///< see bound.hpp
  bool is_read_before = false;       ///< by others than `spine_next`

  constexpr stage(const problem<Operators, Ranks>& p, std::size_t index,
                  const std::vector<choice<Ranks>>& choices) {
    options.reserve(choices.size());
    queries.reserve(choices.size());
    values.reserve(choices.size());
    for (std::size_t k = 0; k < p.ops[index].inputs.size(); ++k) needs[k].reserve(choices.size());
    for (const choice<Ranks>& c : choices) add(p, index, c);
  }

 private:
  constexpr void add(const problem<Operators, Ranks>& p, std::size_t index, const choice<Ranks>& c) {
    const op& o = p.ops[index];
    const std::size_t inputs = o.inputs.size();
    const bool is_partial = c.made.how == partition::input_channel;
    option<Ranks> next;
    next.chosen = c;
    holding<Ranks> made, needed[4]{};
    made.tensor = index;
    made.is_partial = is_partial;
    std::size_t same = Ranks, rows = 0, channels = 0, in_rows = 0, in_channels = 0;
    for (std::size_t r = 0; r < Ranks; ++r) {
      const range share = c.made.shares[r];
      if (share.end <= share.begin) continue;
      const box out = output_box(o, c.made, r);
      made.of.put(r, out);
      for (std::size_t k = 0; k < inputs; ++k) {
        box in = needed_input(o, out, k);
        if (is_partial) in.channels = share;
        needed[k].of.put(r, in);
      }
      const layout<Ranks>& read = needed[0].of;
      const std::size_t h = made.of.bottom[r] - made.of.top[r], n = made.of.last[r] - made.of.first[r];
      const std::size_t ih = read.bottom[r] - read.top[r], in = read.last[r] - read.first[r];
      // Equal devices take equal times for equal sizes.
      if (same < Ranks && p.are_alike && h == rows && n == channels && ih == in_rows && in == in_channels) {
        next.seconds[r] = next.seconds[same];
      } else {
        const bool by_winograd = has(c.made.winograd, r);
        next.seconds[r] =
            seconds_on(p.devices->devices[r], o, work_of(o, ih, in, h, n, by_winograd), by_winograd);
        same = r, rows = h, channels = n, in_rows = ih, in_channels = in;
      }
      if (p.memory_binds) {
        next.weights[r] = place_weights(o, c.made, r, 0).end;
        next.workspace[r] = workspace_of(o, c.made, r);
      }
    }
    next.busy = made.of.ranks;
    next.made = values.number_of(made, o.out);
    next.asked = number_of(needed, p, o);
    queries[next.asked].options.push_back(options.size());
    options.push_back(next);
  }

  constexpr std::size_t number_of(holding<Ranks> (&needed)[4], const problem<Operators, Ranks>& p,
                                  const op& o) {
    query wanted;
    const std::size_t known = needs[0].size();
    for (std::size_t k = 0; k < o.inputs.size(); ++k)
      wanted.needs.push_back(needs[k].number_of(needed[k], p.ops[o.inputs[k]].out));
    const std::size_t first = o.inputs.size() > 0 ? wanted.needs[0] : 0;
    if (first < known || queries.size() > known || o.inputs.size() == 0)
      for (std::size_t q = o.inputs.size() == 1 ? first : 0; q < queries.size(); ++q)
        if (queries[q].needs == wanted.needs) return q;
    queries.push_back(wanted);
    return queries.size() - 1;
  }
};

}  // namespace iop::planner
