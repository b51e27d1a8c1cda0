// SPDX-License-Identifier: MIT
#pragma once

// One stage of the search: from all ways worth keeping to run the operators before i, to all those to run
// operator i too. A way is a label: one clock per rank, the memory so far, and the values that later
// operators may read. Of two labels with the same values the one that is behind on every clock and needs no
// less memory is dropped, which loses nothing; so is one that cannot finish before the limit.

#include <iop/planner/arena.hpp>
#include <iop/planner/choices.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace iop::planner {

template <std::size_t Ranks>
struct label {
  decision<Ranks> made{};                  ///< on this stage's operator
  std::size_t previous = 0;                ///< label of the stage before
  rank_set members = 0;                    ///< of the fused segment that goes on behind this operator
  std::size_t fused_until = 0;             ///< the segment's last operator
  fixed_vector<std::uint16_t, 16> live{};  ///< values that later operators may read
  double clock[Ranks]{};                   ///< seconds
  std::size_t weights[Ranks]{};            ///< floats
  std::size_t peak[Ranks]{};               ///< floats of activations alive at once
};

template <std::size_t Ranks>
struct frontier {
  std::vector<label<Ranks>> labels;
  std::vector<value<Ranks>> values;
  bool is_complete = true;  ///< nothing was dropped for lack of room
};

/// How one value comes to where it is needed.
template <std::size_t Ranks>
struct movement {
  route how = route::direct;
  double seconds = 0;
  bool has_messages = false;
  bool is_possible = true;
  round_list<Ranks> rounds{};
  std::size_t staging[Ranks]{};  ///< floats, of the largest round
};

template <std::size_t Operators, std::size_t Ranks>
constexpr movement<Ranks> move(const problem<Operators, Ranks>& p, const value<Ranks>& from,
                               const box (&needed)[Ranks], route how) {
  const op& o = p.ops[from.tensor];
  movement<Ranks> m;
  m.how = how;
  m.rounds = rounds_of(from, needed, how, o.out, collecting_rank(p.ends, needed));
  const value<Ranks>* now = &from;
  for (const value<Ranks>& next : m.rounds) {
    const auto messages = messages_between(*now, next);
    m.is_possible = m.is_possible && messages.is_complete;
    m.has_messages = m.has_messages || !messages.empty();
    m.seconds += seconds_of(*p.devices, messages, o.out.width);
    if (p.memory_binds)
      for (std::size_t r = 0; r < Ranks; ++r)
        m.staging[r] = std::max(m.staging[r], part_of(*now, next, o.out.width, r).staging);
    now = &next;
  }
  return m;
}

/// Ranks that hold something of a value.
template <std::size_t Ranks>
constexpr std::size_t holders_of(const box (&boxes)[Ranks]) {
  std::size_t count = 0;
  for (const box& b : boxes) count += !b.empty();
  return count;
}

/// The quickest of the routes that can differ from the direct one.
template <std::size_t Operators, std::size_t Ranks>
constexpr movement<Ranks> quickest_move(const problem<Operators, Ranks>& p, const value<Ranks>& from,
                                        const box (&needed)[Ranks]) {
  movement<Ranks> best = move(p, from, needed, route::direct);
  if (!best.has_messages || best.rounds.size() == 0) return best;
  const std::size_t wanting = holders_of(needed), holding = holders_of(from.boxes);
  const auto try_route = [&](route how) {
    const movement<Ranks> m = move(p, from, needed, how);
    if (m.is_possible && m.seconds < best.seconds) best = m;
  };
  for (std::size_t r = 0; r < Ranks; ++r)
    if (!needed[r].empty() && needed[r] != whole(p.ops[from.tensor].out)) return best;
  if (from.is_partial ? holding > 1 : holding == 1 && wanting > 2) {
    try_route(route::scatter_gather);
    if (smallest_factor(wanting) < wanting) try_route(route::scatter_doubling);
  }
  if (holding > 1 && wanting > 1) try_route(route::via_root);
  if (!from.is_partial && holding > 1 && smallest_factor(wanting) < wanting) try_route(route::doubling);
  return best;
}

template <std::size_t Operators, std::size_t Ranks>
class expansion {
 public:
  constexpr expansion(const problem<Operators, Ranks>& p, std::size_t index, const frontier<Ranks>& before,
                      double limit, std::size_t width)
      : p_(p), o_(p.ops[index]), i_(index), before_(before), limit_(limit), width_(width) {}

  constexpr frontier<Ranks> run() {
    made_.is_complete = before_.is_complete;
    std::vector<value<Ranks>> held;
    for (const value<Ranks>& v : before_.values)
      for (const std::size_t input : o_.inputs)
        if (v.tensor == input) held.push_back(v);
    list_options(held);
    kept_.assign(before_.values.size(), nowhere);
    moves_.assign(before_.values.size() * needs_.size(), nowhere);
    for (std::size_t l = 0; l < before_.labels.size(); ++l)
      for (const option& each : options_) extend(l, each);
    return std::move(made_);
  }

 private:
  static constexpr std::size_t nowhere = static_cast<std::size_t>(-1);

  struct option {
    choice<Ranks> chosen{};
    fixed_vector<std::size_t, 4> needs{};  ///< number of the boxes needed of each input
    double seconds[Ranks]{};
    std::size_t weights[Ranks]{};
    std::size_t made = 0;  ///< number of the value it makes
  };
  struct boxes {
    box of[Ranks]{};
  };

  constexpr void list_options(const std::vector<value<Ranks>>& held) {
    for (const choice<Ranks>& c : choice_list<Operators, Ranks>(p_, i_).make(held)) {
      option next;
      next.chosen = c;
      value<Ranks> made{i_, c.made.how == partition::input_channel, {}};
      for (std::size_t r = 0; r < Ranks; ++r) {
        made.boxes[r] = output_box(o_, c.made, r);
        if (made.boxes[r].empty()) continue;
        const box in = input_box(o_, c.made, r);
        next.seconds[r] = seconds_on(p_.devices->devices[r], work_of(o_, in, made.boxes[r]));
        if (p_.memory_binds) next.weights[r] = place_weights(o_, c.made, r, 0).end;
      }
      for (std::size_t k = 0; k < o_.inputs.size(); ++k) {
        boxes needed;
        for (std::size_t r = 0; r < Ranks; ++r) needed.of[r] = input_box(o_, c.made, r, k);
        next.needs.push_back(number_of(needed));
      }
      next.made = number_of(made);
      options_.push_back(next);
    }
  }

  constexpr std::size_t number_of(const boxes& needed) {
    for (std::size_t n = 0; n < needs_.size(); ++n)
      if (are_equal(needs_[n].of, needed.of)) return n;
    needs_.push_back(needed);
    return needs_.size() - 1;
  }

  static constexpr bool are_equal(const box (&a)[Ranks], const box (&b)[Ranks]) {
    for (std::size_t r = 0; r < Ranks; ++r)
      if (!(a[r] == b[r])) return false;
    return true;
  }

  constexpr std::size_t number_of(const value<Ranks>& v) {
    for (std::size_t n = 0; n < made_.values.size(); ++n)
      if (made_.values[n].tensor == v.tensor && made_.values[n].is_partial == v.is_partial &&
          are_equal(made_.values[n].boxes, v.boxes))
        return n;
    made_.values.push_back(v);
    by_value_.push_back({});
    return made_.values.size() - 1;
  }

  constexpr std::size_t kept(std::size_t old) {
    if (kept_[old] == nowhere) kept_[old] = number_of(before_.values[old]);
    return kept_[old];
  }

  constexpr std::size_t quickest(std::size_t from, std::size_t need) {
    std::size_t& known = moves_[from * needs_.size() + need];
    if (known == nowhere) {
      movements_.push_back(quickest_move(p_, before_.values[from], needs_[need].of));
      known = movements_.size() - 1;
    }
    return known;
  }

  /// The value that the needed boxes are taken or fetched from, as `provide` of the schedule finds it.
  constexpr std::size_t source_of(const label<Ranks>& l, std::size_t tensor, const boxes& needed,
                                  bool& is_there) const {
    std::size_t source = nowhere;
    is_there = false;
    for (const std::size_t v : l.live) {
      const value<Ranks>& candidate = before_.values[v];
      if (candidate.tensor != tensor) continue;
      if (provides(candidate, needed.of)) {
        is_there = true;
        return v;
      }
      if (source == nowhere || (before_.values[source].is_partial && covers(candidate, needed.of)))
        source = v;
    }
    return source;
  }

  constexpr void extend(std::size_t from, const option& each) {
    const label<Ranks>& l = before_.labels[from];
    // Inside a fused segment the only way is on.
    if (l.fused_until >= i_ && (each.chosen.made.how != partition::spatial ||
                                each.chosen.members != l.members || each.chosen.fused_until != l.fused_until))
      return;
    if (p_.memory_binds)
      for (std::size_t r = 0; r < Ranks; ++r)
        if ((l.weights[r] + each.weights[r]) * sizeof(float) > p_.devices->devices[r].memory.bytes) return;
    if (bound(l.clock) >= limit_) return;

    movement<Ranks> moved[4]{};
    std::size_t sources[4]{}, fetched = 0;
    bool is_there[4]{};
    for (std::size_t k = 0; k < o_.inputs.size(); ++k) {
      sources[k] = source_of(l, o_.inputs[k], needs_[each.needs[k]], is_there[k]);
      fetched += !is_there[k];
    }
    label<Ranks> next;
    next.made = each.chosen.made;
    next.previous = from;
    next.members = each.chosen.members;
    next.fused_until = each.chosen.fused_until > i_ ? each.chosen.fused_until : 0;
    bool waits = false;
    double seconds = 0;
    if (fetched > 0) {
      route how = route::direct;
      if (fetched == 1) {
        for (std::size_t k = 0; k < o_.inputs.size(); ++k)
          if (!is_there[k]) {
            moved[k] = movements_[quickest(sources[k], each.needs[k])];
            how = moved[k].how;
          }
      } else {
        how = quickest_for_all(each, sources, is_there, moved);
      }
      for (std::size_t k = 0; k < o_.inputs.size(); ++k) {
        if (is_there[k]) continue;
        if (!moved[k].is_possible) return;
        waits = waits || moved[k].has_messages;
        seconds += moved[k].seconds;
      }
      next.made.fetch = how;
    }
    double latest = 0;
    for (const double c : l.clock) latest = std::max(latest, c);
    const bool is_free =
        fetched == 0 && is_channelwise(o_) && !is_weighted(o_) && o_.inputs[0] + 1 == i_ && i_ > 1;
    for (std::size_t r = 0; r < Ranks; ++r) {
      next.clock[r] = waits ? latest + seconds : l.clock[r];
      if (!is_free) next.clock[r] += each.seconds[r];
    }
    if (finish_bound(next.clock) >= limit_) return;

    for (const std::size_t v : l.live)
      if (p_.last_use[before_.values[v].tensor] > i_)
        next.live.push_back(static_cast<std::uint16_t>(kept(v)));
    for (std::size_t k = 0; k < o_.inputs.size(); ++k)
      if (!is_there[k] && p_.last_use[o_.inputs[k]] > i_)
        for (const value<Ranks>& v : moved[k].rounds)
          next.live.push_back(static_cast<std::uint16_t>(number_of(v)));
    next.live.push_back(static_cast<std::uint16_t>(each.made));
    if (p_.memory_binds && !account(l, each, moved, sources, is_there, next)) return;
    insert(next, each.made);
  }

  constexpr route quickest_for_all(const option& each, const std::size_t (&sources)[4],
                                   const bool (&is_there)[4], movement<Ranks> (&moved)[4]) {
    route best = route::direct;
    double least = 0;
    for (const route how : all_routes) {
      movement<Ranks> tried[4]{};
      double seconds = 0;
      bool possible = true;
      for (std::size_t k = 0; k < o_.inputs.size(); ++k) {
        if (is_there[k]) continue;
        tried[k] = move(p_, before_.values[sources[k]], needs_[each.needs[k]].of, how);
        seconds += tried[k].seconds;
        possible = possible && tried[k].is_possible;
      }
      if (how != route::direct && (!possible || seconds >= least)) continue;
      best = how, least = seconds;
      for (std::size_t k = 0; k < 4; ++k) moved[k] = tried[k];
    }
    return best;
  }

  /// Weights and the activations alive at this operator; false when they cannot fit.
  constexpr bool account(const label<Ranks>& l, const option& each, const movement<Ranks> (&moved)[4],
                         const std::size_t (&sources)[4], const bool (&is_there)[4],
                         label<Ranks>& next) const {
    for (std::size_t r = 0; r < Ranks; ++r) {
      const auto floats = [&](const value<Ranks>& v) {
        return aligned(element_count(v.boxes[r], p_.ops[v.tensor].out.width));
      };
      std::size_t others = 0, used = 0, peak = l.peak[r];
      for (const std::size_t v : l.live) others += floats(before_.values[v]);
      for (std::size_t k = 0; k < o_.inputs.size(); ++k) {
        const value<Ranks>& source = before_.values[sources[k]];
        const std::size_t held = floats(source);
        if (is_there[k]) continue;
        std::size_t result = 0;
        for (const value<Ranks>& v : moved[k].rounds) result = floats(v);
        // The result may lie in the place of its source.
        const bool dies = p_.last_use[o_.inputs[k]] <= i_;
        const std::size_t grown = dies || !source.is_partial ? (result > held ? result - held : 0) : result;
        peak = std::max(peak, others + used + grown + moved[k].staging[r]);
        used += grown;
      }
      const std::size_t out = floats(made_.values[each.made]);
      const bool in_place = o_.what == kind::elementwise || o_.what == kind::softmax || o_.what == kind::add;
      next.peak[r] = std::max(peak, others + used + (in_place ? 0 : out));
      next.weights[r] = l.weights[r] + each.weights[r];
      if ((next.weights[r] + next.peak[r]) * sizeof(float) > p_.devices->devices[r].memory.bytes)
        return false;
    }
    return true;
  }

  /// No way on from these clocks, before operator i runs, ends earlier.
  constexpr double bound(const double (&clock)[Ranks]) const {
    return bound(clock, p_.least_flops_behind[i_ - (i_ > 0)]);
  }
  /// The same when operator i has run.
  constexpr double finish_bound(const double (&clock)[Ranks]) const {
    return bound(clock, p_.least_flops_behind[i_]);
  }
  constexpr double bound(const double (&clock)[Ranks], double flops) const {
    double all = 0, latest = 0;
    for (std::size_t r = 0; r < Ranks; ++r) {
      const double speed = p_.devices->devices[r].compute.flops_per_second;
      flops += speed * clock[r];
      all += speed;
      latest = std::max(latest, clock[r]);
    }
    return std::max(latest, flops / all);
  }

  constexpr bool is_no_better(const label<Ranks>& a, const label<Ranks>& b) const {
    for (std::size_t r = 0; r < Ranks; ++r) {
      if (a.clock[r] < b.clock[r]) return false;
      if (p_.memory_binds && (a.weights[r] < b.weights[r] || a.peak[r] < b.peak[r])) return false;
    }
    return true;
  }

  constexpr void insert(const label<Ranks>& next, std::size_t made) {
    std::vector<std::size_t>& same = by_value_[made];
    for (std::size_t n = 0; n < same.size(); ++n) {
      label<Ranks>& other = made_.labels[same[n]];
      if (other.fused_until != next.fused_until || (next.fused_until > 0 && other.members != next.members) ||
          !(other.live == next.live))
        continue;
      if (is_no_better(next, other)) return;
      if (is_no_better(other, next)) {
        // It may beat several; those that it also beats stay, which only costs time.
        other = next;
        return;
      }
    }
    if (made_.labels.size() == width_) {
      made_.is_complete = false;
      std::size_t worst = 0;
      for (std::size_t n = 1; n < made_.labels.size(); ++n)
        if (finish_bound(made_.labels[n].clock) > finish_bound(made_.labels[worst].clock)) worst = n;
      if (finish_bound(made_.labels[worst].clock) <= finish_bound(next.clock)) return;
      std::vector<std::size_t>& old = by_value_[made_.labels[worst].live.back()];
      old.erase(std::find(old.begin(), old.end(), worst));
      made_.labels[worst] = next;
      same.push_back(worst);
      return;
    }
    same.push_back(made_.labels.size());
    made_.labels.push_back(next);
  }

  const problem<Operators, Ranks>& p_;
  const op& o_;
  std::size_t i_;
  const frontier<Ranks>& before_;
  double limit_;
  std::size_t width_;
  frontier<Ranks> made_;
  std::vector<option> options_;
  std::vector<boxes> needs_;
  std::vector<movement<Ranks>> movements_;
  std::vector<std::size_t> moves_;  ///< of each value to each needed boxes: number of the movement
  std::vector<std::size_t> kept_;   ///< numbers of the values before in this stage
  std::vector<std::vector<std::size_t>> by_value_;  ///< labels by the value made
};

}  // namespace iop::planner
