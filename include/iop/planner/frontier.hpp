// SPDX-License-Identifier: MIT
#pragma once

// One stage of the search: from all ways worth keeping to run the operators before i, to all those to run
// operator i too. A way is a label: one clock per rank, the memory so far, and the values that later
// operators may read. Of two labels with the same values the one that is behind on every clock and needs no
// less memory is dropped, which loses nothing; so is one that cannot finish before the limit.

#include <iop/planner/room.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <limits>
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
  std::size_t peak[Ranks]{};               ///< floats of activations alive at once, at least
};

template <std::size_t Ranks>
struct frontier {
  std::vector<label<Ranks>> labels;
  std::vector<value<Ranks>> values;
  bool is_complete = true;  ///< nothing was dropped for lack of room
};

inline constexpr double no_limit = std::numeric_limits<double>::infinity();

/// What it takes to bring one value to where it is needed, by each route.
struct move_costs {
  static constexpr double impossible = std::numeric_limits<double>::infinity();
  double seconds[std::size(all_routes)]{};  ///< `impossible` too for routes that cannot beat the direct one
  bool has_messages = false;
  route quickest = route::direct;

  constexpr double of(route how) const { return seconds[static_cast<std::size_t>(how)]; }
};

template <std::size_t Operators, std::size_t Ranks>
constexpr double seconds_by(const problem<Operators, Ranks>& p, const value<Ranks>& from,
                            const box (&needed)[Ranks], route how) {
  const op& o = p.ops[from.tensor];
  double seconds = 0;
  bool is_possible = true;
  const auto add = [&](const value<Ranks>& source, const box(&boxes)[Ranks]) {
    exchange_time<Ranks> time(*p.devices, o.out.width);
    is_possible =
        is_possible && for_each_message(source, boxes, [&](std::size_t s, std::size_t r, const box& piece) {
          time.add(s, r, piece);
        });
    seconds += time.seconds();
  };
  if (how == route::direct) {
    add(from, needed);
  } else {
    const value<Ranks>* now = &from;
    const auto rounds = rounds_of(from, needed, how, o.out, collecting_rank(p.ends, needed));
    for (const value<Ranks>& next : rounds) {
      add(*now, next.boxes);
      now = &next;
    }
  }
  return is_possible ? seconds : move_costs::impossible;
}

template <std::size_t Operators, std::size_t Ranks>
constexpr move_costs costs_of(const problem<Operators, Ranks>& p, const value<Ranks>& from,
                              const box (&needed)[Ranks]) {
  move_costs costs;
  for (double& s : costs.seconds) s = move_costs::impossible;
  const auto try_route = [&](route how) {
    double& seconds = costs.seconds[static_cast<std::size_t>(how)];
    seconds = seconds_by(p, from, needed, how);
    if (seconds < costs.of(costs.quickest)) costs.quickest = how;
  };
  try_route(route::direct);
  costs.has_messages = costs.of(route::direct) > 0;
  if (!costs.has_messages) return costs;
  const spread s = spread_of(from, needed, p.ops[from.tensor].out);
  if (!s.all_whole) return costs;
  for (const route how : all_routes)
    if (pays(s, from.is_partial, how)) try_route(how);
  return costs;
}

template <std::size_t Operators, std::size_t Ranks>
class expansion {
 public:
  /// `compares`: of two labels the worse is dropped.
  constexpr expansion(const problem<Operators, Ranks>& p, std::size_t index,
                      const std::vector<choice<Ranks>>& choices, const frontier<Ranks>& before, double limit,
                      std::size_t width, bool compares = true)
      : p_(p),
        o_(p.ops[index]),
        i_(index),
        before_(before),
        limit_(limit),
        width_(width),
        compares_(compares) {
    for (const device& d : p.devices->devices) all_speed_ += d.compute.flops_per_second;
    for (const choice<Ranks>& c : choices) add_option(c);
  }

  constexpr frontier<Ranks> run() {
    made_.is_complete = before_.is_complete;
    kept_.assign(before_.values.size(), nowhere);
    moves_.assign(before_.values.size() * needs_.size(), move{});
    for (const std::size_t l : by_time()) go_on_from(l);
    for (const arrival& a : arrivals_)
      if (a.from != nowhere) arrive(a);
    return std::move(made_);
  }

 private:
  static constexpr std::size_t nowhere = static_cast<std::size_t>(-1);

  struct option {
    choice<Ranks> chosen{};
    double seconds[Ranks]{};
    std::size_t weights[Ranks]{};
    std::size_t made = 0;   ///< number of the value it makes
    std::size_t asked = 0;  ///< number of its query
    double rest = 0;  ///< seconds that it and all behind it take at least, when all ranks start together
  };
  struct boxes {
    box of[Ranks]{};
    std::size_t hash = 0;
  };
  /// Tells most unequal boxes apart at once.
  static constexpr std::size_t hash_of(const box (&of)[Ranks]) {
    std::size_t hash = 0;
    for (std::size_t r = 0; r < Ranks; ++r)
      hash = hash * 1000003 + of[r].rows.begin + 31 * of[r].rows.end + 961 * of[r].channels.begin +
             29791 * of[r].channels.end;
    return hash;
  }
  /// What the options have in common that need the same boxes of each input.
  struct query {
    fixed_vector<std::size_t, 4> needs{};
    std::vector<std::size_t> options{};
    double rest = 0;  ///< the least of its options
  };
  /// What is known about bringing a value to the boxes of a need.
  struct move {
    enum state_type : std::uint8_t { unknown, not_there, there };
    state_type state = unknown;
    std::size_t costs = nowhere;
    std::size_t rooms[std::size(all_routes)] = {nowhere, nowhere, nowhere, nowhere, nowhere};
  };
  /// How a label gets the inputs of a query.
  struct fetching {
    std::size_t sources[4]{};
    bool is_there[4]{};
    std::size_t count = 0;
    route how = route::direct;
    double seconds = 0;
    bool waits = false;
  };
  /// The label that has the inputs of a query first, of those that keep the same values besides.
  struct arrival {
    std::size_t from = nowhere;
    std::size_t query = 0;
    double seconds = no_limit;
    fetching inputs{};
  };

  constexpr void add_option(const choice<Ranks>& c) {
    option next;
    next.chosen = c;
    value<Ranks> made{i_, c.made.how == partition::input_channel, {}};
    double latest = 0, work = p_.least_flops_behind[i_];
    for (std::size_t r = 0; r < Ranks; ++r) {
      made.boxes[r] = output_box(o_, c.made, r);
      if (made.boxes[r].empty()) continue;
      const box in = input_box(o_, c.made, r);
      const device& d = p_.devices->devices[r];
      next.seconds[r] = seconds_on(d, work_of(o_, in, made.boxes[r]));
      latest = std::max(latest, next.seconds[r]);
      work += next.seconds[r] * d.compute.flops_per_second;
      if (p_.memory_binds) next.weights[r] = place_weights(o_, c.made, r, 0).end;
    }
    next.rest = std::max(latest, work / all_speed_);
    next.made = number_of(made);
    query wanted;
    for (std::size_t k = 0; k < o_.inputs.size(); ++k) {
      boxes needed;
      for (std::size_t r = 0; r < Ranks; ++r) needed.of[r] = input_box(o_, c.made, r, k);
      wanted.needs.push_back(number_of(needed));
    }
    std::size_t q = 0;
    while (q < queries_.size() && !(queries_[q].needs == wanted.needs)) ++q;
    if (q == queries_.size()) {
      wanted.rest = next.rest;
      queries_.push_back(wanted);
    }
    queries_[q].rest = std::min(queries_[q].rest, next.rest);
    queries_[q].options.push_back(options_.size());
    next.asked = q;
    options_.push_back(next);
  }

  constexpr std::size_t number_of(const boxes& needed) {
    const std::size_t hash = hash_of(needed.of);
    for (std::size_t n = 0; n < needs_.size(); ++n)
      if (needs_[n].hash == hash && are_equal(needs_[n].of, needed.of)) return n;
    needs_.push_back(needed);
    needs_.back().hash = hash;
    return needs_.size() - 1;
  }

  static constexpr bool are_equal(const box (&a)[Ranks], const box (&b)[Ranks]) {
    for (std::size_t r = 0; r < Ranks; ++r)
      if (!(a[r] == b[r])) return false;
    return true;
  }

  constexpr std::size_t number_of(const value<Ranks>& v) {
    const std::size_t hash = hash_of(v.boxes);
    for (std::size_t n = 0; n < made_.values.size(); ++n)
      if (hashes_[n] == hash && made_.values[n].tensor == v.tensor &&
          made_.values[n].is_partial == v.is_partial && are_equal(made_.values[n].boxes, v.boxes))
        return n;
    hashes_.push_back(hash);
    made_.values.push_back(v);
    by_value_.push_back({});
    return made_.values.size() - 1;
  }

  constexpr std::size_t kept(std::size_t old) {
    if (kept_[old] == nowhere) kept_[old] = number_of(before_.values[old]);
    return kept_[old];
  }

  static constexpr double latest_of(const label<Ranks>& l) {
    double latest = 0;
    for (const double c : l.clock) latest = std::max(latest, c);
    return latest;
  }

  /// The labels, the earliest first: later ones often come too late to be looked at.
  constexpr std::vector<std::size_t> by_time() const {
    std::vector<std::size_t> order;
    std::vector<double> latest;
    for (const label<Ranks>& l : before_.labels) {
      order.push_back(order.size());
      latest.push_back(latest_of(l));
    }
    std::sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
      return latest[a] != latest[b] ? latest[a] < latest[b] : a < b;
    });
    return order;
  }

  constexpr move& move_of(std::size_t from, std::size_t need) {
    move& m = moves_[from * needs_.size() + need];
    if (m.state == move::unknown)
      m.state = provides(before_.values[from], needs_[need].of) ? move::there : move::not_there;
    return m;
  }

  constexpr const move_costs& costs(std::size_t from, std::size_t need) {
    move& m = move_of(from, need);
    if (m.costs == nowhere) {
      m.costs = costs_.size();
      costs_.push_back(costs_of(p_, before_.values[from], needs_[need].of));
    }
    return costs_[m.costs];
  }

  /// The value that the needed boxes are taken or fetched from, as `provide` of the schedule finds it.
  constexpr std::size_t source_of(const label<Ranks>& l, std::size_t tensor, std::size_t need,
                                  bool& is_there) {
    std::size_t source = nowhere;
    for (const std::size_t v : l.live) {
      if (before_.values[v].tensor != tensor) continue;
      if (move_of(v, need).state == move::there) {
        is_there = true;
        return v;
      }
      if (source == nowhere ||
          (!before_.values[v].is_partial && is_cut_one_way(before_.values[v], p_.ops[tensor].out) &&
           costs(v, need).of(route::direct) != move_costs::impossible))
        source = v;
    }
    return source;
  }

  /// The value of the input, when there is one input and the label has it once.
  constexpr std::size_t only_source(const label<Ranks>& l) const {
    std::size_t only = nowhere;
    if (o_.inputs.size() != 1) return only;
    for (const std::size_t v : l.live) {
      if (before_.values[v].tensor != o_.inputs[0]) continue;
      if (only != nowhere) return nowhere;
      only = v;
    }
    return only;
  }

  constexpr fetching find_sources(const label<Ranks>& l, const query& q) {
    fetching f{};
    for (std::size_t k = 0; k < o_.inputs.size(); ++k) {
      f.sources[k] = source_of(l, o_.inputs[k], q.needs[k], f.is_there[k]);
      f.count += f.is_there[k] ? 0 : 1;
    }
    return f;
  }

  /// The quickest route; false when what is needed is nowhere.
  constexpr bool find_route(const query& q, fetching& f) {
    if (o_.inputs.size() == 1) {
      const move_costs& c = costs(f.sources[0], q.needs[0]);
      f.waits = c.has_messages;
      f.how = c.quickest;
      f.seconds = c.of(c.quickest);
      return f.seconds != move_costs::impossible;
    }
    f.seconds = no_limit;
    for (const route how : all_routes) {
      double sum = 0;
      for (std::size_t k = 0; k < o_.inputs.size(); ++k) {
        if (f.is_there[k]) continue;
        const move_costs& c = costs(f.sources[k], q.needs[k]);
        if (how == route::direct) f.waits = f.waits || c.has_messages;
        // With several inputs, one may gain from a route by which another goes directly.
        const double by_it = c.of(how);
        sum += f.count > 1 && by_it == move_costs::impossible ? c.of(route::direct) : by_it;
      }
      if (sum < f.seconds) f.seconds = sum, f.how = how;
      if (!f.waits) break;
    }
    return f.seconds != no_limit;
  }

  constexpr void go_on_from(std::size_t from) {
    const label<Ranks>& l = before_.labels[from];
    const double latest = latest_of(l);
    if (l.fused_until >= i_) {
      continue_segment(from, l, latest);
      return;
    }
    const std::size_t group = p_.memory_binds ? 0 : group_of(l);
    const std::size_t only = only_source(l);
    for (std::size_t n = 0; n < queries_.size(); ++n) {
      const query& q = queries_[n];
      // Most often there is one value to fetch from, and another label has come first.
      if (only != nowhere && !p_.memory_binds && !before_.values[only].is_partial) {
        const double earliest = latest + p_.least_message;
        if ((earliest + q.rest >= limit_ || earliest >= arrivals_[group * queries_.size() + n].seconds) &&
            move_of(only, q.needs[0]).state != move::there)
          continue;
      }
      fetching f = find_sources(l, q);
      if (f.count > 0) {
        arrival* first = p_.memory_binds ? nullptr : &arrivals_[group * queries_.size() + n];
        bool is_partial = false;
        for (std::size_t k = 0; k < o_.inputs.size(); ++k)
          is_partial = is_partial || (!f.is_there[k] && before_.values[f.sources[k]].is_partial);
        const double earliest = latest + (is_partial ? 0 : p_.least_message);
        if (!is_partial && earliest + q.rest >= limit_) continue;
        if (first != nullptr && earliest >= first->seconds) continue;
        if (!find_route(q, f)) continue;
        if (f.waits && first != nullptr) {
          if (latest + f.seconds < first->seconds) *first = {from, n, latest + f.seconds, f};
          continue;
        }
      }
      for (const std::size_t o : q.options) extend(from, options_[o], q, f, latest);
    }
  }

  /// Inside a fused segment the only way is on.
  constexpr void continue_segment(std::size_t from, const label<Ranks>& l, double latest) {
    for (const option& each : options_) {
      if (each.chosen.fused_until != l.fused_until || each.chosen.members != l.members ||
          each.chosen.made.how != partition::spatial)
        continue;
      const query& q = queries_[each.asked];
      fetching f = find_sources(l, q);
      if (f.count == 0 || find_route(q, f)) extend(from, each, q, f, latest);
    }
  }

  /// Labels that keep the same values behind this operator.
  constexpr std::size_t group_of(const label<Ranks>& l) {
    fixed_vector<std::uint16_t, 16> keeps;
    for (const std::uint16_t v : l.live)
      if (p_.last_use[before_.values[v].tensor] > i_) keeps.push_back(v);
    std::size_t g = 0;
    while (g < groups_.size() && !(groups_[g] == keeps)) ++g;
    if (g == groups_.size()) {
      groups_.push_back(keeps);
      arrivals_.resize(groups_.size() * queries_.size());
    }
    return g;
  }

  constexpr void arrive(const arrival& a) {
    const query& q = queries_[a.query];
    for (const std::size_t o : q.options)
      if (a.seconds + options_[o].rest < limit_)
        extend(a.from, options_[o], q, a.inputs, a.seconds - a.inputs.seconds);
  }

  constexpr void extend(std::size_t from, const option& each, const query& q, const fetching& f,
                        double latest) {
    const label<Ranks>& l = before_.labels[from];
    if (p_.memory_binds)
      for (std::size_t r = 0; r < Ranks; ++r)
        if (!has_room(p_, r, l.weights[r] + each.weights[r], l.peak[r])) return;
    const bool is_free =
        f.count == 0 && is_channelwise(o_) && !is_weighted(o_) && o_.inputs[0] + 1 == i_ && i_ > 1;
    double clock[Ranks]{};
    for (std::size_t r = 0; r < Ranks; ++r)
      clock[r] = (f.waits ? latest + f.seconds : l.clock[r]) + (is_free ? 0 : each.seconds[r]);
    if (bound(clock) >= limit_) return;

    label<Ranks> next;
    for (std::size_t r = 0; r < Ranks; ++r) next.clock[r] = clock[r];
    next.made = each.chosen.made;
    next.made.fetch = f.how;
    next.previous = from;
    next.members = each.chosen.members;
    next.fused_until = each.chosen.fused_until > i_ ? each.chosen.fused_until : 0;
    for (const std::size_t v : l.live)
      if (p_.last_use[before_.values[v].tensor] > i_)
        next.live.push_back(static_cast<std::uint16_t>(kept(v)));
    for (std::size_t k = 0; k < o_.inputs.size(); ++k)
      if (!f.is_there[k] && p_.last_use[o_.inputs[k]] > i_)
        for (const value<Ranks>& v : rounds(f.sources[k], q.needs[k], f.how))
          next.live.push_back(static_cast<std::uint16_t>(number_of(v)));
    next.live.push_back(static_cast<std::uint16_t>(each.made));
    if (p_.memory_binds && !account(l, each, q, f, next)) return;
    insert(next, each.made);
  }

  constexpr round_list<Ranks> rounds(std::size_t from, std::size_t need, route how) const {
    const value<Ranks>& v = before_.values[from];
    return rounds_of(v, needs_[need].of, how, p_.ops[v.tensor].out,
                     collecting_rank(p_.ends, needs_[need].of));
  }

  constexpr const move_room<Ranks>& room(std::size_t from, std::size_t need, route how) {
    std::size_t& known = move_of(from, need).rooms[static_cast<std::size_t>(how)];
    if (known == nowhere) {
      known = rooms_.size();
      rooms_.push_back(room_of(p_, before_.values[from], rounds(from, need, how)));
    }
    return rooms_[known];
  }

  /// What lies in a rank's memory while the operator and the exchanges before it run, at least: inputs,
  /// result, and of each tensor that is read later the smallest of its values.
  constexpr std::size_t peak_of(const label<Ranks>& l, const option& each, const query& q, const fetching& f,
                                std::size_t rank) {
    const auto begin = o_.inputs.begin();
    const auto floats = [&](std::size_t v) { return floats_of(p_, before_.values[v], rank); };
    std::size_t alive = 0, peak = 0;
    for (std::size_t n = 0; n < l.live.size(); ++n) {
      const std::size_t tensor = before_.values[l.live[n]].tensor;
      bool is_first = std::find(begin, o_.inputs.end(), tensor) == o_.inputs.end();
      std::size_t least = floats(l.live[n]);
      for (std::size_t m = 0; m < l.live.size() && is_first; ++m) {
        if (before_.values[l.live[m]].tensor != tensor) continue;
        is_first = m >= n;
        least = std::min(least, floats(l.live[m]));
      }
      if (is_first) alive += least;
    }
    const auto is_first = [&](std::size_t k) {
      return std::find(begin, begin + k, o_.inputs[k]) == begin + k;
    };
    for (std::size_t k = 0; k < o_.inputs.size(); ++k)
      if (is_first(k)) alive += floats(f.sources[k]);
    const value<Ranks>& made = made_.values[each.made];
    bool replaces = false;
    for (std::size_t k = 0; k < o_.inputs.size(); ++k) {
      const box* read = &before_.values[f.sources[k]].boxes[rank];
      if (!f.is_there[k]) {
        const move_room<Ranks>& moved = room(f.sources[k], q.needs[k], f.how);
        read = &moved.boxes[rank];
        if (is_first(k)) {
          alive -= floats(f.sources[k]);
          peak = std::max(peak, alive + moved.most[rank]);
          alive += moved.result[rank];
        }
      }
      replaces = replaces || *read == made.boxes[rank];
    }
    replaces = replaces && may_replace_input(o_);
    return std::max(peak, alive + (replaces ? 0 : floats_of(p_, made, rank)));
  }

  /// Adds what the operator needs; false when that cannot fit.
  constexpr bool account(const label<Ranks>& l, const option& each, const query& q, const fetching& f,
                         label<Ranks>& next) {
    for (std::size_t r = 0; r < Ranks; ++r) {
      next.weights[r] = l.weights[r] + each.weights[r];
      next.peak[r] = std::max(l.peak[r], peak_of(l, each, q, f, r));
      if (!has_room(p_, r, next.weights[r], next.peak[r])) return false;
    }
    return true;
  }

  /// No way on from these clocks behind this operator ends earlier.
  constexpr double bound(const double (&clock)[Ranks]) const {
    double latest = 0, work = p_.least_flops_behind[i_];
    for (std::size_t r = 0; r < Ranks; ++r) {
      work += p_.devices->devices[r].compute.flops_per_second * clock[r];
      latest = std::max(latest, clock[r]);
    }
    return std::max(latest, work / all_speed_);
  }

  constexpr bool is_no_better(const label<Ranks>& a, const label<Ranks>& b) const {
    for (std::size_t r = 0; r < Ranks; ++r) {
      if (a.clock[r] < b.clock[r]) return false;
      // What follows adds the same weights to both, and counts only where it needs more than the peak.
      if (p_.memory_binds &&
          (a.weights[r] < b.weights[r] || a.weights[r] + a.peak[r] < b.weights[r] + b.peak[r]))
        return false;
    }
    return true;
  }

  /// What is dropped first where there is no room: what ends late, or leaves little memory.
  constexpr double rating(const label<Ranks>& l) const {
    double fullest = 0;
    if (p_.memory_binds)
      for (std::size_t r = 0; r < Ranks; ++r)
        fullest = std::max(fullest, static_cast<double>((l.weights[r] + l.peak[r]) * sizeof(float)) /
                                        static_cast<double>(p_.devices->devices[r].memory.bytes));
    return bound(l.clock) * (1 + fullest);
  }

  /// More values than another has do no harm where there is memory for them.
  static constexpr bool has_all(const label<Ranks>& a, const label<Ranks>& b) {
    for (const std::uint16_t v : b.live)
      if (std::find(a.live.begin(), a.live.end(), v) == a.live.end()) return false;
    return true;
  }

  constexpr void insert(const label<Ranks>& next, std::size_t made) {
    std::vector<std::size_t>& same = by_value_[made];
    for (std::size_t n = 0; compares_ && n < same.size(); ++n) {
      label<Ranks>& other = made_.labels[same[n]];
      if (other.fused_until != next.fused_until || (next.fused_until > 0 && other.members != next.members) ||
          (p_.memory_binds && !(other.live == next.live)))
        continue;
      if (has_all(other, next) && is_no_better(next, other)) return;
      if (has_all(next, other) && is_no_better(other, next)) {
        // It may beat several; those that it also beats stay, which only costs time.
        other = next;
        return;
      }
    }
    if (same.size() == width_) {
      made_.is_complete = false;
      std::size_t worst = same[0];
      for (const std::size_t n : same)
        if (rating(made_.labels[n]) > rating(made_.labels[worst])) worst = n;
      if (rating(next) < rating(made_.labels[worst])) made_.labels[worst] = next;
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
  bool compares_;
  double all_speed_ = 0;
  frontier<Ranks> made_;
  std::vector<std::size_t> hashes_;  ///< of the values made
  std::vector<option> options_;
  std::vector<boxes> needs_;
  std::vector<query> queries_;
  std::vector<move_costs> costs_;
  std::vector<move_room<Ranks>> rooms_;
  std::vector<move> moves_;  ///< of each value to each need
  std::vector<fixed_vector<std::uint16_t, 16>> groups_;
  std::vector<arrival> arrivals_;                   ///< of each group at each query
  std::vector<std::size_t> kept_;                   ///< numbers of the values before in this stage
  std::vector<std::vector<std::size_t>> by_value_;  ///< labels by the value made
};

}  // namespace iop::planner
