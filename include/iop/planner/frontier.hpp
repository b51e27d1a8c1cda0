// SPDX-License-Identifier: MIT
#pragma once

// One step of the search: from all ways worth keeping to run the operators before i, to all those to run
// operator i too. A way is a label: one clock per rank, the memory so far, and the values that later
// operators may read. Of two labels with the same values the one that is behind on every clock and needs no
// less memory is dropped, which loses nothing; so is one that cannot finish before the limit.

#include <iop/planner/bound.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <vector>

namespace iop::planner {

/// A value of a tensor that some ranks hold.
struct held {
  std::uint16_t tensor = 0;
  std::uint16_t number = 0;
  friend constexpr bool operator==(const held&, const held&) = default;
};

template <std::size_t Ranks>
struct label {
  std::size_t chosen = 0;                ///< option of this stage
  route fetch = route::direct;           ///< of its inputs
  std::size_t previous = 0;              ///< label of the stage before
  fixed_vector<held, 16> live{};         ///< values that later operators may read
  double clock[Ranks]{};                 ///< seconds
  std::size_t weights[Ranks]{};          ///< floats
  std::size_t peak[Ranks]{};             ///< floats of activations alive at once, at least
  const option<Ranks>* spine = nullptr;  ///< the last one on the spine, while its tensor has not moved
  double least = 0;                      ///< seconds to the end at least, when it has
};

template <std::size_t Ranks>
struct frontier {
  std::vector<label<Ranks>> labels;
  bool is_complete = true;  ///< nothing was dropped for lack of room
};

template <std::size_t Operators, std::size_t Ranks>
class expansion {
 public:
  /// `compares`: of two labels the worse is dropped.
  constexpr expansion(const problem<Operators, Ranks>& p, staging<Operators, Ranks>& stages,
                      std::size_t index, const frontier<Ranks>& before, double limit, std::size_t width,
                      bool compares)
      : p_(p),
        o_(p.ops[index]),
        i_(index),
        stages_(stages),
        stage_(stages[index]),
        before_(before),
        limit_(limit),
        width_(width),
        compares_(compares) {
    for (const device& d : p.devices->devices) all_speed_ += d.compute.flops_per_second;
    by_value_.resize(stage_.values.size());
  }

  constexpr frontier<Ranks> run() {
    made_.is_complete = before_.is_complete;
    for (const std::size_t l : by_time()) go_on_from(l);
    for (const arrival& a : arrivals_)
      if (a.from != nowhere) arrive(a);
    return std::move(made_);
  }

 private:
  /// How a label gets the inputs of a query.
  struct fetching {
    held sources[4]{};
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

  static constexpr double latest_of(const label<Ranks>& l) {
    double latest = 0;
    for (const double c : l.clock) latest = std::max(latest, c);
    return latest;
  }

  /// The labels, the earliest first: later ones often come too late to be looked at.
  constexpr std::vector<std::size_t> by_time() const {
    std::vector<std::size_t> order;
    std::vector<double> latest;
    order.reserve(before_.labels.size());
    latest.reserve(before_.labels.size());
    for (const label<Ranks>& l : before_.labels) {
      order.push_back(order.size());
      latest.push_back(latest_of(l));
    }
    std::sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
      return latest[a] != latest[b] ? latest[a] < latest[b] : a < b;
    });
    return order;
  }

  constexpr const holding<Ranks>& value_of(held h) const { return stages_[h.tensor].values[h.number].held; }

  constexpr bool is_there(held v, std::size_t input, std::size_t need) {
    return stages_.provides(v.tensor, v.number, i_, input, need);
  }
  constexpr const move_costs& costs(held v, std::size_t input, std::size_t need) {
    return stages_.costs(v.tensor, v.number, i_, input, need);
  }

  constexpr bool covers(held v, std::size_t input, std::size_t need) const {
    const auto& source = stages_[v.tensor].values[v.number];
    if (source.held.is_partial || !(source.all_rows || source.all_channels)) return false;
    return source.is_everywhere || planner::covers(source.held.of, stage_.needs[input][need].held.of);
  }

  /// The value that the needed boxes are taken or fetched from, as `provide` of the schedule finds it.
  constexpr held source_of(const label<Ranks>& l, std::size_t input, std::size_t need, bool& there) {
    const std::size_t tensor = o_.inputs[input];
    held source{};
    bool is_first = true;
    for (const held v : l.live) {
      if (v.tensor != tensor) continue;
      if (is_there(v, input, need)) {
        there = true;
        return v;
      }
      if (is_first || covers(v, input, need)) source = v;
      is_first = false;
    }
    return source;
  }

  /// The value of the input, when there is one input and the label has it once; of it, the input.
  constexpr const held* only_source(const label<Ranks>& l) const {
    const held* only = nullptr;
    if (o_.inputs.size() != 1) return only;
    for (const held& v : l.live) {
      if (v.tensor != o_.inputs[0]) continue;
      if (only != nullptr) return nullptr;
      only = &v;
    }
    return only;
  }

  constexpr fetching find_sources(const label<Ranks>& l, const query& q) {
    fetching f{};
    for (std::size_t k = 0; k < o_.inputs.size(); ++k) {
      f.sources[k] = source_of(l, k, q.needs[k], f.is_there[k]);
      f.count += f.is_there[k] ? 0 : 1;
    }
    return f;
  }

  /// The quickest route; false when what is needed is nowhere.
  constexpr bool find_route(const query& q, fetching& f) {
    if (o_.inputs.size() == 1) {
      const move_costs& c = costs(f.sources[0], 0, q.needs[0]);
      f.waits = c.has_messages;
      f.how = c.quickest;
      f.seconds = c.of(c.quickest);
      return f.seconds != move_costs::impossible;
    }
    const move_costs* each[4]{};
    for (std::size_t k = 0; k < o_.inputs.size(); ++k) {
      if (f.is_there[k]) continue;
      each[k] = &costs(f.sources[k], k, q.needs[k]);
      f.waits = f.waits || each[k]->has_messages;
    }
    f.seconds = no_limit;
    for (const route how : all_routes) {
      double sum = 0;
      for (const move_costs* c : each) {
        if (c == nullptr) continue;
        // With several inputs, one may gain from a route by which another goes directly.
        const double by_it = c->of(how);
        sum += f.count > 1 && by_it == move_costs::impossible ? c->of(route::direct) : by_it;
      }
      if (sum < f.seconds) f.seconds = sum, f.how = how;
      if (!f.waits) break;
    }
    return f.seconds != no_limit;
  }

  /// The least seconds from an exchange in front of the operator to the end.
  constexpr double least_behind() const {
    return stages_[stages_[stages_.spine_before(i_)].spine_next].least_arriving;
  }

  constexpr void go_on_from(std::size_t from) {
    const label<Ranks>& l = before_.labels[from];
    const double latest = latest_of(l);
    const option<Ranks>& last = stages_[i_ - 1].options[l.chosen];
    if (last.next != nowhere) {
      continue_segment(from, l, stage_.options[last.next], latest);
      return;
    }
    const std::size_t group = p_.memory_binds ? 0 : group_of(l);
    const held* only = only_source(l);
    const bool is_simple = only != nullptr && !p_.memory_binds && !value_of(*only).is_partial;
    const rank_set there = is_simple ? value_of(*only).of.ranks : 0;
    const double soonest = latest + p_.least_message;
    const query* queries = stage_.queries.data();
    for (const std::size_t n : stage_.order) {
      const query& q = queries[n];
      const double behind = stage_.is_on_spine ? q.arriving : least_behind();
      // Most often there is one value to fetch from, and another label has come first.
      if (is_simple &&
          (soonest + behind >= limit_ || soonest >= arrivals_[group * stage_.queries.size() + n].seconds)) {
        const auto& needed = stage_.needs[0][q.needs[0]];
        if ((needed.ranks & ~there) != 0 || !provides(value_of(*only).of, needed.held.of)) continue;
      }
      fetching f = find_sources(l, q);
      if (f.count > 0) {
        arrival* first = p_.memory_binds ? nullptr : &arrivals_[group * stage_.queries.size() + n];
        bool is_partial = false;
        for (std::size_t k = 0; k < o_.inputs.size(); ++k)
          is_partial = is_partial || (!f.is_there[k] && value_of(f.sources[k]).is_partial);
        const double earliest = latest + (is_partial ? 0 : p_.least_message);
        if (earliest + behind >= limit_) continue;
        if (first != nullptr && earliest >= first->seconds) continue;
        if (!find_route(q, f)) continue;
        if (f.waits) {
          if (latest + f.seconds + behind >= limit_) continue;
          if (first != nullptr) {
            if (latest + f.seconds < first->seconds) *first = {from, n, latest + f.seconds, f};
            continue;
          }
        }
      }
      for (const std::size_t o : q.options) extend(from, o, f, latest);
    }
  }

  /// Inside a fused segment the only way is on.
  constexpr void continue_segment(std::size_t from, const label<Ranks>& l, const option<Ranks>& next,
                                  double latest) {
    const query& q = stage_.queries[next.asked];
    fetching f = find_sources(l, q);
    if (f.count == 0 || find_route(q, f))
      extend(from, static_cast<std::size_t>(&next - stage_.options.data()), f, latest);
  }

  /// Labels that keep the same values behind this operator.
  constexpr std::size_t group_of(const label<Ranks>& l) {
    fixed_vector<held, 16> keeps;
    for (const held v : l.live)
      if (p_.last_use[v.tensor] > i_) keeps.push_back(v);
    std::size_t g = 0;
    while (g < groups_.size() && !(groups_[g] == keeps)) ++g;
    if (g == groups_.size()) {
      groups_.push_back(keeps);
      arrivals_.resize(groups_.size() * stage_.queries.size());
    }
    return g;
  }

  constexpr void arrive(const arrival& a) {
    const double behind = least_behind();
    for (const std::size_t o : stage_.queries[a.query].options)
      if (a.seconds + (stage_.is_on_spine ? stage_.options[o].arriving : behind) < limit_)
        extend(a.from, o, a.inputs, a.seconds - a.inputs.seconds);
  }

  constexpr void extend(std::size_t from, std::size_t chosen, const fetching& f, double latest) {
    const label<Ranks>& l = before_.labels[from];
    const option<Ranks>& each = stage_.options[chosen];
    const query& q = stage_.queries[each.asked];
    if (p_.memory_binds)
      for (std::size_t r = 0; r < Ranks; ++r)
        if (!has_room(p_, r, l.weights[r] + each.weights[r], l.peak[r])) return;
    const bool is_free =
        f.count == 0 && is_channelwise(o_) && !is_weighted(o_) && o_.inputs[0] + 1 == i_ && i_ > 1;
    label<Ranks> next;
    for (std::size_t r = 0; r < Ranks; ++r)
      next.clock[r] = (f.waits ? latest + f.seconds : l.clock[r]) + (is_free ? 0 : each.seconds[r]);
    next.spine = stage_.is_on_spine ? &each : l.spine;
    next.least = l.least;
    for (std::size_t k = 0; k < o_.inputs.size() && !stage_.is_on_spine; ++k)
      if (!f.is_there[k] && o_.inputs[k] == stages_.spine_before(i_))
        next.spine = nullptr, next.least = latest + f.seconds + least_behind();
    if (bound(next) >= limit_) return;

    next.chosen = chosen;
    next.fetch = f.how;
    next.previous = from;
    for (const held v : l.live)
      if (p_.last_use[v.tensor] > i_) next.live.push_back(v);
    for (std::size_t k = 0; k < o_.inputs.size(); ++k)
      if (!f.is_there[k] && p_.last_use[o_.inputs[k]] > i_)
        for (const value<Ranks>& v :
             stages_.rounds(f.sources[k].tensor, f.sources[k].number, i_, k, q.needs[k], f.how))
          next.live.push_back(number_of(v));
    next.live.push_back({static_cast<std::uint16_t>(i_), static_cast<std::uint16_t>(each.made)});
    if (p_.memory_binds && !account(l, each, q, f, next)) return;
    insert(next, each.made);
  }

  constexpr held number_of(const value<Ranks>& v) {
    return {static_cast<std::uint16_t>(v.tensor),
            static_cast<std::uint16_t>(
                stages_[v.tensor].values.number_of(holding<Ranks>(v), p_.ops[v.tensor].out))};
  }

  constexpr const move_room<Ranks>& room(held from, std::size_t input, std::size_t need, route how) {
    return stages_.room(from.tensor, from.number, i_, input, need, how);
  }

  /// What lies in a rank's memory while the operator and the exchanges before it run, at least: inputs,
  /// result, and of each tensor that is read later the smallest of its values.
  constexpr std::size_t peak_of(const label<Ranks>& l, const option<Ranks>& each, const query& q,
                                const fetching& f, std::size_t rank) {
    const auto begin = o_.inputs.begin();
    const auto floats = [&](held v) { return floats_of(p_, value_of(v), rank); };
    std::size_t alive = 0, peak = 0;
    for (std::size_t n = 0; n < l.live.size(); ++n) {
      const std::size_t tensor = l.live[n].tensor;
      bool is_first = std::find(begin, o_.inputs.end(), tensor) == o_.inputs.end();
      std::size_t least = floats(l.live[n]);
      for (std::size_t m = 0; m < l.live.size() && is_first; ++m) {
        if (l.live[m].tensor != tensor) continue;
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
    const holding<Ranks>& made = stage_.values[each.made].held;
    bool replaces = false;
    for (std::size_t k = 0; k < o_.inputs.size(); ++k) {
      box read = value_of(f.sources[k]).of[rank];
      if (!f.is_there[k]) {
        const move_room<Ranks>& moved = room(f.sources[k], k, q.needs[k], f.how);
        read = moved.boxes[rank];
        if (is_first(k)) {
          alive -= floats(f.sources[k]);
          peak = std::max(peak, alive + moved.most[rank]);
          alive += moved.result[rank];
        }
      }
      replaces = replaces || read == made.of[rank];
    }
    replaces = replaces && may_replace_input(o_);
    return std::max(peak, alive + (replaces ? 0 : floats_of(p_, made, rank)) + each.workspace[rank]);
  }

  /// Adds what the operator needs; false when that cannot fit.
  constexpr bool account(const label<Ranks>& l, const option<Ranks>& each, const query& q, const fetching& f,
                         label<Ranks>& next) {
    for (std::size_t r = 0; r < Ranks; ++r) {
      next.weights[r] = l.weights[r] + each.weights[r];
      next.peak[r] = std::max(l.peak[r], peak_of(l, each, q, f, r));
      if (!has_room(p_, r, next.weights[r], next.peak[r])) return false;
    }
    return true;
  }

  /// No way on from this label ends earlier.
  constexpr double bound(const label<Ranks>& l) const {
    double latest = 0, work = p_.least_flops_behind[i_];
    for (std::size_t r = 0; r < Ranks; ++r) {
      work += p_.devices->devices[r].compute.flops_per_second * l.clock[r];
      latest = std::max(latest, l.clock[r]);
    }
    const double to_end =
        l.spine != nullptr ? stages_.least(l.spine->behind, l.clock, l.spine->busy, latest) : l.least;
    return std::max(work / all_speed_, to_end);
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
    return bound(l) * (1 + fullest);
  }

  /// More values than another has do no harm where there is memory for them.
  static constexpr bool has_all(const label<Ranks>& a, const label<Ranks>& b) {
    for (const held v : b.live)
      if (std::find(a.live.begin(), a.live.end(), v) == a.live.end()) return false;
    return true;
  }

  constexpr void insert(const label<Ranks>& next, std::size_t made) {
    std::vector<std::size_t>& same = by_value_[made];
    for (std::size_t n = 0; compares_ && n < same.size(); ++n) {
      label<Ranks>& other = made_.labels[same[n]];
      // Inside a segment the same value may have to become different ones.
      if (stage_.options[other.chosen].next != stage_.options[next.chosen].next ||
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
  staging<Operators, Ranks>& stages_;
  const stage<Operators, Ranks>& stage_;
  const frontier<Ranks>& before_;
  double limit_;
  std::size_t width_;
  bool compares_;
  double all_speed_ = 0;
  frontier<Ranks> made_;
  std::vector<fixed_vector<held, 16>> groups_;
  std::vector<arrival> arrivals_;                   ///< of each group at each query
  std::vector<std::vector<std::size_t>> by_value_;  ///< labels by the value made
};

}  // namespace iop::planner
