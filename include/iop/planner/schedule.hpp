// SPDX-License-Identifier: MIT
#pragma once

// A plan spelled out as steps: compute an operator, or exchange. Each step makes one new value: a tensor as
// the ranks hold it at that moment, one box per rank, perhaps as partial sums. Where a step needs boxes that
// no value provides, an exchange is put before it; nothing else ever causes traffic.

#include <iop/core/fixed_vector.hpp>
#include <iop/planner/plan.hpp>
#include <iop/planner/routes.hpp>

#include <cstddef>

namespace iop::planner {

/// A tensor as it is held after a step. With `is_partial` each non-empty box is a summand of the whole.
template <std::size_t Ranks>
struct value {
  std::size_t tensor = 0;
  bool is_partial = false;
  box boxes[Ranks]{};
};

/// Computes operator `tensor`, or moves (with `is_partial` on the source: sums) values[inputs[0]] into
/// values[output].
struct step {
  bool is_exchange = false;
  std::size_t tensor = 0;
  fixed_vector<std::size_t, 4> inputs{};
  std::size_t output = 0;
};

/// Part `piece` of the source value that one rank sends to another.
struct message {
  std::size_t from = 0;
  std::size_t to = 0;
  box piece{};
};

template <std::size_t Operators, std::size_t Ranks>
struct schedule {
  static constexpr std::size_t most_steps = 5 * Operators + 8;
  fixed_vector<value<Ranks>, most_steps> values;
  fixed_vector<step, most_steps> steps;

  constexpr const value<Ranks>& source(const step& s) const { return values[s.inputs[0]]; }
  constexpr const value<Ranks>& result(const step& s) const { return values[s.output]; }
};

template <std::size_t Ranks>
constexpr bool provides(const value<Ranks>& v, const box (&needed)[Ranks]) {
  if (v.is_partial) return false;
  for (std::size_t r = 0; r < Ranks; ++r)
    if (!v.boxes[r].contains(needed[r])) return false;
  return true;
}

/// Calls visit(sender, receiver, piece).
template <std::size_t Ranks, class Visit>
constexpr bool for_each_message(const value<Ranks>& from, const box (&needed)[Ranks], Visit&& visit) {
  return for_each_message(layout_of(from.boxes), from.is_partial, layout_of(needed),
                          [&](std::size_t sender, std::size_t receiver, std::size_t top, std::size_t bottom,
                              std::size_t first, std::size_t last) {
                            visit(sender, receiver, box{{top, bottom}, {first, last}});
                          });
}

template <std::size_t Ranks>
using message_list = fixed_vector<message, 2 * Ranks * Ranks>;

/// The messages that turn the boxes of one value into those of another.
template <std::size_t Ranks>
constexpr message_list<Ranks> messages_between(const value<Ranks>& from, const value<Ranks>& to) {
  message_list<Ranks> list;
  (void)for_each_message(from, to.boxes, [&](std::size_t sender, std::size_t receiver, const box& piece) {
    list.push_back({sender, receiver, piece});
  });
  return list;
}

/// Those of them that a rank sends or receives.
template <std::size_t Ranks>
constexpr message_list<Ranks> messages_of(const value<Ranks>& from, const value<Ranks>& to,
                                          std::size_t rank) {
  message_list<Ranks> list;
  (void)for_each_message(from, to.boxes, [&](std::size_t sender, std::size_t receiver, const box& piece) {
    if (sender == rank || receiver == rank) list.push_back({sender, receiver, piece});
  });
  return list;
}

/// False when some ranks hold rows and others channels, as after a fetch for a few of them.
template <std::size_t Ranks>
constexpr bool is_cut_one_way(const value<Ranks>& v, const shape& extent) {
  bool by_rows = true, by_channels = true;
  for (const box& b : v.boxes) {
    if (b.empty()) continue;
    by_rows = by_rows && b.channels == whole(extent).channels;
    by_channels = by_channels && b.rows == whole(extent).rows;
  }
  return by_rows || by_channels;
}

/// True when together the ranks hold, summed, what is needed.
template <std::size_t Ranks>
constexpr bool covers(const value<Ranks>& v, const box (&needed)[Ranks], const shape& extent) {
  return !v.is_partial && is_cut_one_way(v, extent) &&
         for_each_message(v, needed, [](std::size_t, std::size_t, const box&) {});
}

template <std::size_t Ranks>
constexpr std::size_t collecting_rank(const endpoints& ends, const box (&needed)[Ranks]) {
  return collecting_rank(ends, layout_of(needed));
}

template <std::size_t Ranks>
constexpr spread spread_of(const value<Ranks>& from, const box (&needed)[Ranks], const shape& extent) {
  return spread_of(layout_of(from.boxes), layout_of(needed), extent);
}

/// The rounds of one movement: the boxes after each.
template <std::size_t Ranks>
using round_list = fixed_vector<value<Ranks>, 6>;

template <std::size_t Ranks>
constexpr round_list<Ranks> rounds_of(const value<Ranks>& from, const box (&needed)[Ranks], route how,
                                      const shape& extent, std::size_t root) {
  round_list<Ranks> rounds;
  for (const layout<Ranks>& reached :
       rounds_of(layout_of(from.boxes), from.is_partial, layout_of(needed), how, extent, root)) {
    value<Ranks> next{from.tensor, false, {}};
    for (std::size_t r = 0; r < Ranks; ++r) next.boxes[r] = reached[r];
    rounds.push_back(next);
  }
  return rounds;
}

template <std::size_t Operators, std::size_t Ranks>
class schedule_builder {
 public:
  /// Goes on from what has been spelled out.
  constexpr schedule_builder(op_list ops, const plan<Operators, Ranks>& p,
                             const schedule<Operators, Ranks>& before = {})
      : ops_(ops), plan_(p), all_(before) {}

  /// The steps of operators [part.begin, part.end), with what earlier operators left behind as given.
  constexpr schedule<Operators, Ranks> build(range part) {
    for (std::size_t i = part.begin; i < part.end; ++i)
      for (const std::size_t input : ops_[i].inputs)
        if (input < part.begin) all_.values.push_back(made_by(input));
    return go_on(part);
  }

  /// The same with the steps of the operators before them.
  constexpr schedule<Operators, Ranks> go_on(range part) {
    for (std::size_t i = part.begin; i < part.end; ++i) compute(i);
    if (part.end < ops_.size()) return all_;
    box wanted[Ranks]{};
    wanted[plan_.ends.output_rank] = whole(ops_.back().out);
    provide(ops_.size() - 1, wanted, plan_.deliver);
    return all_;
  }

 private:
  constexpr void compute(std::size_t tensor) {
    const op& o = ops_[tensor];
    const decision<Ranks>& d = plan_.decisions[tensor];
    step next{false, tensor, {}, 0};
    for (const std::size_t input : o.inputs) {
      box needed[Ranks]{};
      for (std::size_t r = 0; r < Ranks; ++r) needed[r] = input_box(o, d, r, next.inputs.size());
      next.inputs.push_back(provide(input, needed, d.fetch));
    }
    finish(next, made_by(tensor));
  }

  constexpr value<Ranks> made_by(std::size_t tensor) const {
    const decision<Ranks>& d = plan_.decisions[tensor];
    value<Ranks> made{tensor, d.how == partition::input_channel, {}};
    for (std::size_t r = 0; r < Ranks; ++r) made.boxes[r] = output_box(ops_[tensor], d, r);
    return made;
  }

  /// The number of a value of the tensor that holds the needed boxes, after exchanges if there is none yet.
  constexpr std::size_t provide(std::size_t tensor, const box (&needed)[Ranks], route how) {
    std::size_t source = all_.values.size();
    for (std::size_t v = 0; v < all_.values.size(); ++v) {
      const value<Ranks>& candidate = all_.values[v];
      if (candidate.tensor != tensor) continue;
      if (provides(candidate, needed)) return v;
      // Of whole values the latest is the one that the ranks hold most of; what is summed is not summed
      // again.
      if (source == all_.values.size() || covers(candidate, needed, ops_[tensor].out)) source = v;
    }
    const value<Ranks> from = all_.values[source];
    for (const value<Ranks>& made :
         rounds_of(from, needed, how, ops_[tensor].out, collecting_rank(plan_.ends, needed))) {
      step next{true, tensor, {}, 0};
      next.inputs.push_back(source);
      source = finish(next, made);
    }
    return source;
  }

  constexpr std::size_t finish(step next, const value<Ranks>& made) {
    next.output = all_.values.size();
    all_.values.push_back(made);
    all_.steps.push_back(next);
    return next.output;
  }

  op_list ops_;
  const plan<Operators, Ranks>& plan_;
  schedule<Operators, Ranks> all_;
};

template <std::size_t Operators, std::size_t Ranks>
constexpr schedule<Operators, Ranks> spell_out(op_list ops, const plan<Operators, Ranks>& p) {
  return schedule_builder<Operators, Ranks>(ops, p).build({0, ops.size()});
}

/// Only the steps of some operators, for what-if questions about them.
template <std::size_t Operators, std::size_t Ranks>
constexpr schedule<Operators, Ranks> spell_out(op_list ops, const plan<Operators, Ranks>& p, range part) {
  return schedule_builder<Operators, Ranks>(ops, p).build(part);
}

/// The steps of the operators before `part`, and then of those.
template <std::size_t Operators, std::size_t Ranks>
constexpr schedule<Operators, Ranks> go_on(op_list ops, const plan<Operators, Ranks>& p, range part,
                                           const schedule<Operators, Ranks>& before) {
  return schedule_builder<Operators, Ranks>(ops, p, before).go_on(part);
}

}  // namespace iop::planner
