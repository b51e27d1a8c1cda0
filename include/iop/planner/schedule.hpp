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

/// Calls visit(sender, receiver, piece) for each message that brings a value to the needed boxes. Of a
/// partial sum, each rank that needs a box gets every other rank's summand of it. Otherwise each missing
/// stretch comes from one rank that holds it; false when nobody does.
template <std::size_t Ranks, class Visit>
constexpr bool for_each_message(const value<Ranks>& from, const box (&needed)[Ranks], Visit&& visit) {
  if (from.is_partial) {
    for (std::size_t r = 0; r < Ranks; ++r)
      for (std::size_t s = 0; s < Ranks; ++s)
        if (s != r && !from.boxes[s].empty() && !needed[r].empty()) visit(s, r, needed[r]);
    return true;
  }
  // Sources are cut along one dimension: channels if their channel ranges differ, else rows. This is the
  // inner loop of planning, which compilers interpret: plain ranges, no calls.
  bool by_channel = false;
  range along[Ranks]{}, across[Ranks]{}, first{};
  for (std::size_t s = 0; s < Ranks; ++s) {
    const box& b = from.boxes[s];
    if (b.rows.end <= b.rows.begin || b.channels.end <= b.channels.begin) continue;
    if (first.end == 0) first = b.channels;
    if (b.channels.begin != first.begin || b.channels.end != first.end) by_channel = true;
  }
  for (std::size_t s = 0; s < Ranks; ++s) {
    along[s] = by_channel ? from.boxes[s].channels : from.boxes[s].rows;
    across[s] = by_channel ? from.boxes[s].rows : from.boxes[s].channels;
  }
  bool is_complete = true;
  std::size_t sent[Ranks]{};  // of several that hold a stretch, the one that has sent the least sends it
  for (std::size_t r = 0; r < Ranks; ++r) {
    const box& wanted = needed[r];
    if (wanted.rows.end <= wanted.rows.begin || wanted.channels.end <= wanted.channels.begin) continue;
    const range stretch = by_channel ? wanted.channels : wanted.rows;
    const range side = by_channel ? wanted.rows : wanted.channels;
    // What the rank itself holds of the stretch.
    range have{};
    if (across[r].begin <= side.begin && side.end <= across[r].end) have = intersect(along[r], stretch);
    std::size_t at = stretch.begin;
    while (at < stretch.end) {
      if (have.begin <= at && at < have.end) {
        at = have.end;
        continue;
      }
      std::size_t best = r, reach = at;
      for (std::size_t s = 0; s < Ranks; ++s) {
        if (along[s].begin > at || along[s].end <= at || s == r || across[s].begin > side.begin ||
            across[s].end < side.end)
          continue;
        if (along[s].end > reach || (along[s].end == reach && sent[s] < sent[best]))
          best = s, reach = along[s].end;
      }
      if (best == r) {
        is_complete = false;
        break;
      }
      if (reach > stretch.end) reach = stretch.end;
      if (at < have.begin && reach > have.begin) reach = have.begin;
      box piece = wanted;
      (by_channel ? piece.channels : piece.rows) = {at, reach};
      visit(best, r, piece);
      ++sent[best];
      at = reach;
    }
  }
  return is_complete;
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

/// Shard `index` of `count` nearly equal ones, along rows where there are enough, else along channels.
constexpr box even_shard(const shape& s, std::size_t index, std::size_t count) {
  const auto cut = [&](std::size_t total) {
    return range{total * index / count, total * (index + 1) / count};
  };
  box shard = whole(s);
  (s.height >= count ? shard.rows : shard.channels) = cut(s.height >= count ? s.height : s.channels);
  return shard.empty() ? box{} : shard;
}

/// The rounds of one movement: the boxes after each.
template <std::size_t Ranks>
using round_list = fixed_vector<value<Ranks>, 6>;

/// Smallest factor above 1; gathering in blocks of prime factors needs the fewest messages.
constexpr std::size_t smallest_factor(std::size_t n) {
  for (std::size_t f = 2; f * f <= n; ++f)
    if (n % f == 0) return f;
  return n;
}

/// The rank that collects on the way is one that needs the result.
template <std::size_t Ranks>
constexpr std::size_t collecting_rank(const endpoints& ends, const box (&needed)[Ranks]) {
  if (!needed[ends.output_rank].empty()) return ends.output_rank;
  for (std::size_t r = 0; r < Ranks; ++r)
    if (!needed[r].empty()) return r;
  return 0;
}

/// How many ranks hold something of a value and how many need it.
struct spread {
  std::size_t holding = 0;
  std::size_t wanting = 0;
  bool all_whole = true;  ///< who needs something needs everything
};

template <std::size_t Ranks>
constexpr spread spread_of(const value<Ranks>& from, const box (&needed)[Ranks], const shape& extent) {
  spread s;
  for (std::size_t r = 0; r < Ranks; ++r) {
    s.holding += !from.boxes[r].empty();
    if (needed[r].empty()) continue;
    s.wanting += 1;
    s.all_whole = s.all_whole && needed[r] == whole(extent);
  }
  return s;
}

/// True when a route can be better than the direct one: all but that are for ranks that need everything.
constexpr bool pays(const spread& s, bool is_partial, route how) {
  if (how == route::direct || !s.all_whole) return false;
  if (how == route::via_root) return s.holding > 1 && s.wanting > 1;
  if (how != route::scatter_gather && smallest_factor(s.wanting) == s.wanting) return false;
  if (how == route::doubling) return !is_partial && s.holding > 1;
  // Summing in shards pays even for one rank.
  return is_partial ? s.holding > 1 : s.holding == 1 && s.wanting > 2;
}

/// How a route brings `from` to the needed boxes; directly where the route does not pay.
template <std::size_t Ranks>
constexpr round_list<Ranks> rounds_of(const value<Ranks>& from, const box (&needed)[Ranks], route how,
                                      const shape& extent, std::size_t root) {
  round_list<Ranks> rounds;
  value<Ranks> now = from;
  const auto add = [&](const box(&wanted)[Ranks], bool only_wanted = false) {
    value<Ranks> next{from.tensor, false, {}};
    for (std::size_t r = 0; r < Ranks; ++r) {
      // A rank that already holds what it needs keeps its buffer as it is.
      const bool keeps =
          !now.is_partial && now.boxes[r].contains(wanted[r]) && !(only_wanted && wanted[r].empty());
      next.boxes[r] = keeps ? now.boxes[r] : wanted[r];
    }
    now = next;
    rounds.push_back(next);
  };
  if (!pays(spread_of(from, needed, extent), from.is_partial, how)) {
    if (!provides(now, needed)) add(needed);
    return rounds;
  }
  if (how == route::via_root) {
    box collected[Ranks]{};
    collected[root] = whole(extent);
    add(collected);
  }
  std::size_t members[Ranks]{}, holders[Ranks]{}, count = 0, holding = 0;
  for (std::size_t r = 0; r < Ranks; ++r) {
    if (!from.boxes[r].empty()) holders[holding++] = r;
    if (!needed[r].empty()) members[count++] = r;
  }
  if (how == route::scatter_gather || how == route::scatter_doubling) {
    // Who gets no shard has none: what it holds may be cut along the other dimension.
    box shards[Ranks]{};
    const std::size_t parts = from.is_partial ? holding : count;
    for (std::size_t i = 0; i < parts; ++i)
      shards[from.is_partial ? holders[i] : members[i]] = even_shard(extent, i, parts);
    add(shards, true);
  }
  if (!now.is_partial && (how == route::doubling || how == route::scatter_doubling)) {
    const value<Ranks> shards = now;
    for (std::size_t block = smallest_factor(count); block < count; block *= smallest_factor(count / block)) {
      box blocks[Ranks]{};
      for (std::size_t i = 0; i < count; ++i)
        for (std::size_t j = i / block * block; j < (i / block + 1) * block; ++j)
          blocks[members[i]] = hull(blocks[members[i]], shards.boxes[members[j]]);
      add(blocks);
    }
  }
  if (!provides(now, needed)) add(needed);
  return rounds;
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

}  // namespace iop::planner
