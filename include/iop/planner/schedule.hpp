// SPDX-License-Identifier: MIT
#pragma once

// A plan spelled out as steps: compute an operator, or exchange. Each step makes one new value: a tensor as
// the ranks hold it at that moment, one box per rank, perhaps as partial sums. Where a step needs boxes that
// no value provides, an exchange is put before it; nothing else ever causes traffic.

#include <iop/core/fixed_vector.hpp>
#include <iop/planner/balance.hpp>
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

/// The boxes of all ranks in plain arrays, which compilers interpret several times as fast as boxes: of each
/// rank the rows [top, bottom) and the channels [first, last).
template <std::size_t Ranks>
struct layout {
  std::size_t top[Ranks]{}, bottom[Ranks]{}, first[Ranks]{}, last[Ranks]{};
  rank_set ranks = 0;  ///< that have something; the others have zeros

  constexpr layout() = default;
  constexpr explicit layout(const box (&of)[Ranks]) {
    for (std::size_t r = 0; r < Ranks; ++r) put(r, of[r]);
  }
  constexpr void put(std::size_t r, const box b) {
    if (b.rows.end <= b.rows.begin || b.channels.end <= b.channels.begin) return;
    top[r] = b.rows.begin, bottom[r] = b.rows.end;
    first[r] = b.channels.begin, last[r] = b.channels.end;
    ranks |= rank_set{1} << r;
  }
  constexpr box operator[](std::size_t r) const { return {{top[r], bottom[r]}, {first[r], last[r]}}; }

  friend constexpr bool operator==(const layout&, const layout&) = default;
};

template <std::size_t Ranks>
constexpr bool provides(const layout<Ranks>& held, const layout<Ranks>& needed) {
  if ((needed.ranks & ~held.ranks) != 0) return false;
  for (std::size_t r = 0; r < Ranks; ++r)
    if (needed.bottom[r] > 0 && (held.top[r] > needed.top[r] || needed.bottom[r] > held.bottom[r] ||
                                 held.first[r] > needed.first[r] || needed.last[r] > held.last[r]))
      return false;
  return true;
}

template <std::size_t Ranks>
constexpr bool provides(const value<Ranks>& v, const box (&needed)[Ranks]) {
  if (v.is_partial) return false;
  for (std::size_t r = 0; r < Ranks; ++r)
    if (!v.boxes[r].contains(needed[r])) return false;
  return true;
}

/// Calls visit(sender, receiver, top, bottom, first, last) for each message that brings a value to the needed
/// boxes: rows [top, bottom) and channels [first, last). Of a
/// partial sum, each rank that needs a box gets every other rank's summand of it. Otherwise each missing
/// stretch comes from one rank that holds it; stops with false where nobody does.
template <std::size_t Ranks, class Visit>
constexpr bool for_each_message(const layout<Ranks>& from, bool is_partial, const layout<Ranks>& needed,
                                Visit&& visit) {
  if (is_partial) {
    for (std::size_t r = 0; r < Ranks; ++r)
      for (std::size_t s = 0; s < Ranks; ++s)
        if (s != r && from.bottom[s] > 0 && needed.bottom[r] > 0)
          visit(s, r, needed.top[r], needed.bottom[r], needed.first[r], needed.last[r]);
    return true;
  }
  // Sources are cut along one dimension: channels if their channel ranges differ, else rows.
  bool by_channel = false;
  std::size_t channels_begin = 0, channels_end = 0;
  for (std::size_t s = 0; s < Ranks; ++s) {
    if (from.bottom[s] == 0) continue;
    if (channels_end == 0) channels_begin = from.first[s], channels_end = from.last[s];
    if (from.first[s] != channels_begin || from.last[s] != channels_end) by_channel = true;
  }
  const auto& begin = by_channel ? from.first : from.top;
  const auto& end = by_channel ? from.last : from.bottom;
  const auto& side_begin = by_channel ? from.top : from.first;
  const auto& side_end = by_channel ? from.bottom : from.last;
  const auto& wanted_begin = by_channel ? needed.first : needed.top;
  const auto& wanted_end = by_channel ? needed.last : needed.bottom;
  const auto& wanted_side_begin = by_channel ? needed.top : needed.first;
  const auto& wanted_side_end = by_channel ? needed.bottom : needed.last;
  std::size_t sent[Ranks]{};  // of several that hold a stretch, the one that has sent the least sends it
  for (std::size_t r = 0; r < Ranks; ++r) {
    if (needed.bottom[r] == 0) continue;
    const std::size_t side_from = wanted_side_begin[r], side_to = wanted_side_end[r], stop = wanted_end[r];
    std::size_t at = wanted_begin[r];
    // What the rank itself holds of the stretch.
    std::size_t have_begin = stop, have_end = stop;
    if (side_begin[r] <= side_from && side_to <= side_end[r] && begin[r] < stop && end[r] > at) {
      have_begin = begin[r] > at ? begin[r] : at;
      have_end = end[r] < stop ? end[r] : stop;
    }
    while (at < stop) {
      if (have_begin <= at && at < have_end) {
        at = have_end;
        continue;
      }
      std::size_t best = r, reach = at;
      for (std::size_t s = 0; s < Ranks; ++s) {
        if (end[s] <= at || begin[s] > at || s == r || side_begin[s] > side_from || side_end[s] < side_to)
          continue;
        if (end[s] > reach || (end[s] == reach && sent[s] < sent[best])) best = s, reach = end[s];
      }
      if (best == r) return false;
      if (reach > stop) reach = stop;
      if (at < have_begin && reach > have_begin) reach = have_begin;
      if (by_channel)
        visit(best, r, side_from, side_to, at, reach);
      else
        visit(best, r, at, reach, side_from, side_to);
      ++sent[best];
      at = reach;
    }
  }
  return true;
}

/// True when together the ranks hold what is needed.
template <std::size_t Ranks>
constexpr bool covers(const layout<Ranks>& held, const layout<Ranks>& needed) {
  return for_each_message(
      held, false, needed,
      [](std::size_t, std::size_t, std::size_t, std::size_t, std::size_t, std::size_t) {});
}

/// Calls visit(sender, receiver, piece).
template <std::size_t Ranks, class Visit>
constexpr bool for_each_message(const value<Ranks>& from, const box (&needed)[Ranks], Visit&& visit) {
  return for_each_message(layout<Ranks>(from.boxes), from.is_partial, layout<Ranks>(needed),
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

/// Smallest factor above 1; gathering in blocks of prime factors needs the fewest messages.
constexpr std::size_t smallest_factor(std::size_t n) {
  for (std::size_t f = 2; f * f <= n; ++f)
    if (n % f == 0) return f;
  return n;
}

/// The rank that collects on the way is one that needs the result.
template <std::size_t Ranks>
constexpr std::size_t collecting_rank(const endpoints& ends, const layout<Ranks>& needed) {
  if (has(needed.ranks, ends.output_rank)) return ends.output_rank;
  for (std::size_t r = 0; r < Ranks; ++r)
    if (has(needed.ranks, r)) return r;
  return 0;
}

template <std::size_t Ranks>
constexpr std::size_t collecting_rank(const endpoints& ends, const box (&needed)[Ranks]) {
  return collecting_rank(ends, layout<Ranks>(needed));
}

/// How many ranks hold something of a value and how many need it.
struct spread {
  std::size_t holding = 0;
  std::size_t wanting = 0;
  bool all_whole = true;  ///< who needs something needs everything
};

template <std::size_t Ranks>
constexpr spread spread_of(const layout<Ranks>& from, const layout<Ranks>& needed, const shape& extent) {
  spread s;
  for (std::size_t r = 0; r < Ranks; ++r) {
    s.holding += from.bottom[r] > 0;
    if (needed.bottom[r] == 0) continue;
    s.wanting += 1;
    if (needed.bottom[r] - needed.top[r] != extent.height ||
        needed.last[r] - needed.first[r] != extent.channels)
      s.all_whole = false;
  }
  return s;
}

template <std::size_t Ranks>
constexpr spread spread_of(const value<Ranks>& from, const box (&needed)[Ranks], const shape& extent) {
  return spread_of(layout<Ranks>(from.boxes), layout<Ranks>(needed), extent);
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

/// What a value becomes on its way to where it is needed, round by round.
template <std::size_t Ranks>
using round_layouts = fixed_vector<layout<Ranks>, 6>;

/// How a route brings `from` to the needed boxes; directly where the route does not pay.
template <std::size_t Ranks>
constexpr round_layouts<Ranks> rounds_of(const layout<Ranks>& from, bool is_partial,
                                         const layout<Ranks>& needed, route how, const shape& extent,
                                         std::size_t root) {
  round_layouts<Ranks> rounds;
  layout<Ranks> now = from;
  const auto add = [&](const layout<Ranks>& wanted, bool only_wanted = false) {
    layout<Ranks> next = wanted;
    for (std::size_t r = 0; r < Ranks; ++r) {
      // A rank that already holds what it needs keeps its buffer as it is.
      if (is_partial || now.bottom[r] == 0 || (only_wanted && wanted.bottom[r] == 0)) continue;
      if (wanted.bottom[r] > 0 && (now.top[r] > wanted.top[r] || now.bottom[r] < wanted.bottom[r] ||
                                   now.first[r] > wanted.first[r] || now.last[r] < wanted.last[r]))
        continue;
      next.top[r] = now.top[r], next.bottom[r] = now.bottom[r];
      next.first[r] = now.first[r], next.last[r] = now.last[r];
      next.ranks |= rank_set{1} << r;
    }
    now = next;
    is_partial = false;
    rounds.push_back(next);
  };
  if (!pays(spread_of(from, needed, extent), is_partial, how)) {
    if (is_partial || !provides(now, needed)) add(needed);
    return rounds;
  }
  if (how == route::via_root) {
    layout<Ranks> collected;
    collected.put(root, whole(extent));
    add(collected);
  }
  std::size_t members[Ranks]{}, holders[Ranks]{}, count = 0, holding = 0;
  for (std::size_t r = 0; r < Ranks; ++r) {
    if (from.bottom[r] > 0) holders[holding++] = r;
    if (needed.bottom[r] > 0) members[count++] = r;
  }
  if (how == route::scatter_gather || how == route::scatter_doubling) {
    // Who gets no shard has none: what it holds may be cut along the other dimension.
    layout<Ranks> shards;
    const std::size_t parts = is_partial ? holding : count;
    for (std::size_t i = 0; i < parts; ++i)
      shards.put(is_partial ? holders[i] : members[i], even_shard(extent, i, parts));
    add(shards, true);
  }
  if (!is_partial && (how == route::doubling || how == route::scatter_doubling)) {
    const layout<Ranks> shards = now;
    for (std::size_t block = smallest_factor(count); block < count; block *= smallest_factor(count / block)) {
      layout<Ranks> blocks;
      for (std::size_t i = 0; i < count; ++i) {
        box all{};
        for (std::size_t j = i / block * block; j < (i / block + 1) * block; ++j)
          all = hull(all, shards[members[j]]);
        blocks.put(members[i], all);
      }
      add(blocks);
    }
  }
  if (is_partial || !provides(now, needed)) add(needed);
  return rounds;
}

/// The rounds of one movement: the boxes after each.
template <std::size_t Ranks>
using round_list = fixed_vector<value<Ranks>, 6>;

template <std::size_t Ranks>
constexpr round_list<Ranks> rounds_of(const value<Ranks>& from, const box (&needed)[Ranks], route how,
                                      const shape& extent, std::size_t root) {
  round_list<Ranks> rounds;
  for (const layout<Ranks>& reached :
       rounds_of(layout<Ranks>(from.boxes), from.is_partial, layout<Ranks>(needed), how, extent, root)) {
    value<Ranks> next{from.tensor, false, {}};
    for (std::size_t r = 0; r < Ranks; ++r) next.boxes[r] = reached[r];
    rounds.push_back(next);
  }
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
