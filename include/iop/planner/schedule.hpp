// SPDX-License-Identifier: MIT
#pragma once

// A plan spelled out as steps: compute an operator, or exchange. Each step makes one new value: a tensor as
// the ranks hold it at that moment, one box per rank, perhaps as partial sums. Where a step needs boxes that
// no value provides, an exchange is put before it; nothing else ever causes traffic.

#include <iop/core/fixed_vector.hpp>
#include <iop/planner/plan.hpp>

#include <algorithm>
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
  static constexpr std::size_t most_steps = 3 * Operators + 3;
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

/// Shard `index` of `count` nearly equal ones, along rows where there are enough, else along channels.
constexpr box even_shard(const shape& s, std::size_t index, std::size_t count) {
  const auto cut = [&](std::size_t total) {
    return range{total * index / count, total * (index + 1) / count};
  };
  box shard = whole(s);
  (s.height >= count ? shard.rows : shard.channels) = cut(s.height >= count ? s.height : s.channels);
  return shard.empty() ? box{} : shard;
}

template <std::size_t Operators, std::size_t Ranks>
class schedule_builder {
 public:
  constexpr schedule_builder(op_list ops, const plan<Operators, Ranks>& p) : ops_(ops), plan_(p) {}

  /// The steps of operators [part.begin, part.end), with what earlier operators left behind as given.
  constexpr schedule<Operators, Ranks> build(range part) {
    for (std::size_t i = part.begin; i < part.end; ++i)
      for (const std::size_t input : ops_[i].inputs)
        if (input < part.begin) all_.values.push_back(made_by(input));
    for (std::size_t i = part.begin; i < part.end; ++i) compute(i);
    if (part.end < ops_.size()) return all_;
    box wanted[Ranks]{};
    wanted[plan_.ends.output_rank] = whole(ops_.back().out);
    provide(ops_.size() - 1, wanted);
    return all_;
  }

 private:
  constexpr void compute(std::size_t tensor) {
    const op& o = ops_[tensor];
    const decision<Ranks>& d = plan_.decisions[tensor];
    step next{false, tensor, {}, 0};
    for (const std::size_t input : o.inputs) {
      box needed[Ranks]{};
      for (std::size_t r = 0; r < Ranks; ++r) needed[r] = input_box(o, d, r);
      next.inputs.push_back(provide(input, needed));
    }
    finish(next, made_by(tensor));
  }

  constexpr value<Ranks> made_by(std::size_t tensor) const {
    const decision<Ranks>& d = plan_.decisions[tensor];
    value<Ranks> made{tensor, d.how == partition::input_channel, {}};
    for (std::size_t r = 0; r < Ranks; ++r) made.boxes[r] = output_box(ops_[tensor], d, r);
    return made;
  }

  /// The number of a value of the tensor that holds the needed boxes, after an exchange if there is none yet.
  constexpr std::size_t provide(std::size_t tensor, const box (&needed)[Ranks]) {
    std::size_t source = all_.values.size();
    for (std::size_t v = 0; v < all_.values.size(); ++v) {
      const value<Ranks>& candidate = all_.values[v];
      if (candidate.tensor != tensor) continue;
      if (provides(candidate, needed)) return v;
      // The first whole value covers the tensor; later ones hold only what some consumer needed.
      if (source == all_.values.size() || all_.values[source].is_partial) source = v;
    }
    if (all_.values[source].is_partial && plan_.decisions[tensor].reduce != reduction::direct) {
      box summed[Ranks]{};
      const shape& s = ops_[tensor].out;
      if (plan_.decisions[tensor].reduce == reduction::via_root) {
        summed[root_for(needed)] = whole(s);
      } else {
        for (std::size_t r = 0; r < Ranks; ++r) summed[r] = even_shard(s, r, Ranks);
      }
      source = exchange(source, summed);
      if (provides(all_.values[source], needed)) return source;
    }
    return exchange(source, needed);
  }

  /// The root of a reduction is a rank that needs the result.
  constexpr std::size_t root_for(const box (&needed)[Ranks]) const {
    if (!needed[plan_.ends.output_rank].empty()) return plan_.ends.output_rank;
    for (std::size_t r = 0; r < Ranks; ++r)
      if (!needed[r].empty()) return r;
    return 0;
  }

  constexpr std::size_t exchange(std::size_t source, const box (&needed)[Ranks]) {
    const value<Ranks>& from = all_.values[source];
    value<Ranks> made{from.tensor, false, {}};
    for (std::size_t r = 0; r < Ranks; ++r) {
      // A rank that already holds what it needs keeps its buffer as it is.
      const bool keeps = !from.is_partial && from.boxes[r].contains(needed[r]);
      made.boxes[r] = keeps ? from.boxes[r] : needed[r];
    }
    step next{true, from.tensor, {}, 0};
    next.inputs.push_back(source);
    return finish(next, made);
  }

  constexpr std::size_t finish(step next, const value<Ranks>& made) {
    next.output = all_.values.size();
    all_.values.push_back(made);
    all_.steps.push_back(next);
    return next.output;
  }

  op_list ops_;
  const plan<Operators, Ranks>& plan_;
  schedule<Operators, Ranks> all_{};
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

/// The messages that turn the boxes of one value into those of another. Of a partial sum, each rank that
/// needs a box gets every other rank's summand of it. Otherwise each missing stretch comes from one rank that
/// holds it.
template <std::size_t Ranks>
struct message_list : fixed_vector<message, 2 * Ranks * Ranks> {};

template <std::size_t Ranks>
constexpr message_list<Ranks> messages_between(const value<Ranks>& from, const value<Ranks>& to) {
  message_list<Ranks> list;
  if (from.is_partial) {
    for (std::size_t r = 0; r < Ranks; ++r)
      for (std::size_t s = 0; s < Ranks; ++s)
        if (s != r && !from.boxes[s].empty() && !to.boxes[r].empty()) list.push_back({s, r, to.boxes[r]});
    return list;
  }
  // Sources are cut along one dimension: channels if their channel ranges differ, else rows.
  bool by_channel = false;
  box first{};
  for (const box& b : from.boxes) {
    if (b.empty()) continue;
    if (first.empty()) first = b;
    by_channel = by_channel || !(b.channels == first.channels);
  }
  const auto along = [by_channel](const box& b) { return by_channel ? b.channels : b.rows; };
  for (std::size_t r = 0; r < Ranks; ++r) {
    const box& wanted = to.boxes[r];
    if (from.boxes[r].contains(wanted)) continue;
    const range have = intersect(from.boxes[r], wanted).empty() ? range{} : along(from.boxes[r]);
    std::size_t at = along(wanted).begin;
    while (at < along(wanted).end) {
      if (have.begin <= at && at < have.end) {
        at = have.end;
        continue;
      }
      std::size_t best = Ranks, reach = at;
      for (std::size_t s = 0; s < Ranks; ++s) {
        const range held = from.boxes[s].empty() || s == r ? range{} : along(from.boxes[s]);
        if (held.begin <= at && held.end > reach) best = s, reach = held.end;
      }
      if (best == Ranks) break;  // nobody holds it; only a plan that was put together by hand can get here
      reach = std::min(reach, along(wanted).end);
      if (at < have.begin) reach = std::min(reach, have.begin);
      message m{best, r, wanted};
      (by_channel ? m.piece.channels : m.piece.rows) = {at, reach};
      list.push_back(m);
      at = reach;
    }
  }
  return list;
}

}  // namespace iop::planner
