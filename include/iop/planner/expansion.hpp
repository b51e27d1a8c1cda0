// SPDX-License-Identifier: MIT
#pragma once

// One step of the search: from all ways worth keeping to run the operators before i, to all those to run
// operator i too.

#include <iop/planner/arrivals.hpp>
#include <iop/planner/beam.hpp>
#include <iop/planner/keeping.hpp>
#include <iop/planner/pass_limits.hpp>
#include <iop/planner/peak.hpp>
#include <iop/planner/ways_ahead.hpp>

#include <algorithm>
#include <cstddef>
#include <vector>

namespace iop::planner {

template <std::size_t Most, std::size_t Operators, std::size_t Ranks>
class expansion {
 public:
  using stage = planner::stage<Ranks, Most>;
  using frontier = planner::frontier<Ranks, Most>;

  /// `behind`: what remains behind this operator, if that is on the spine; `spine`: of it or else the next
  /// one that is; `before_side`: of the operator before, if this one reads that beside the spine.
  constexpr expansion(const problem<Operators, Ranks>& p, std::size_t index, const stage& stage_before,
                      const stage& own, const remainders<Ranks, Most>* behind,
                      const remainders<Ranks, Most>& spine, const remainders<Ranks, Most>* before_side,
                      const frontier& before, const pass_limits& limits)
      : p_(p),
        o_(p.ops[index]),
        i_(index),
        on_spine_(p.main_path.has[index]),
        is_in_order_(on_spine_ && (is_weighted(o_) || !is_channelwise(o_))),
        before_stage_(stage_before),
        stage_(own),
        behind_(behind),
        before_side_(before_side),
        least_behind_(spine.least_arriving),
        before_(before),
        limit_(limits.seconds),
        kept_(p, index, own, limits.width, limits.compares),
        fetches_(p, index, own, before),
        arrivals_(own.queries),
        ways_(p, index, spine),
        beam_(limits.beam),
        thrift_(limits.thrift),
        tries_(limits.tries) {
    for (std::size_t r = 0; r < Ranks; ++r) all_speed_ += p.speed[r];
  }

  constexpr frontier run() {
    kept_.labels().is_complete = before_.is_complete;
    prepare_values();
    for (const std::size_t l : by_time()) go_on_from(l);
    for (std::size_t k = 0; k < arrivals_.count() && beam_.keeps_all(); ++k) arrive(arrivals_[k]);
    kept_.labels().cut = limit_;
    return std::move(kept_.labels());
  }

 private:
  /// The values that are read later have their numbers in the next frontier.
  constexpr void prepare_values() {
    grow(kept_number_, before_.values.count);
    for (std::size_t v = 0; v < before_.values.count; ++v) {
      const holding<Ranks>& held = before_.values.entries[v].held;
      kept_number_[v] = p_.last_use[held.tensor] > i_
                            ? kept_.labels().values.number_of(held, p_.ops[held.tensor].out)
                            : nowhere;
    }
    grow(number_of_value_, stage_.values.count);
    for (std::size_t v = 0; v < stage_.values.count; ++v) number_of_value_[v] = nowhere;
  }

  /// The labels, the earliest first: later ones often come too late to be looked at.
  constexpr std::vector<std::size_t> by_time() {
    std::vector<std::size_t> order;
    order.reserve(before_.count);
    for (std::size_t l = 0; l < before_.count; ++l)
      if (!before_.is_cut(l)) order.push_back(l);
    keep_most_promising(order);
    std::sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
      return before_.latest[a] != before_.latest[b] ? before_.latest[a] < before_.latest[b] : a < b;
    });
    return order;
  }

  /// As many as may be tried with all choices.
  constexpr void keep_most_promising(std::vector<std::size_t>& labels) {
    if (!p_.memory_binds || tries_ == 0 || labels.size() * stage_.options.count <= tries_) return;
    kept_.labels().is_complete = false;
    std::sort(labels.begin(), labels.end(), [&](std::size_t a, std::size_t b) {
      return before_.rank[a] != before_.rank[b] ? before_.rank[a] < before_.rank[b] : a < b;
    });
    labels.resize(std::max<std::size_t>(1, tries_ / stage_.options.count));
  }

  constexpr double least_from(std::size_t query) const {
    return on_spine_ ? behind_->query_arriving[query] : least_behind_;
  }

  constexpr void go_on_from(std::size_t from) {
    const std::size_t last = before_.chosen[from];
    const choice_table<Ranks, Most>& options = before_stage_.options;
    if (options.fused_until[last] >= i_) {
      continue_segment(from, stage_.options.going_on(options, last, i_));
      return;
    }
    const std::size_t slots = slots_of(from);
    const double latest = before_.latest[from], soonest = latest + p_.least_message;
    const std::size_t only = p_.memory_binds ? nowhere : fetches_.only_source(from);
    const bool is_simple = only != nowhere && !before_.values.entries[only].held.is_partial;
    const rank_set held = is_simple ? before_.values.ranks[only] : 0;
    double earliest_clock = latest;
    for (std::size_t r = 0; r < Ranks; ++r)
      if (before_.clock[from * Ranks + r] < earliest_clock) earliest_clock = before_.clock[from * Ranks + r];
    for (std::size_t k = 0; k < stage_.queries; ++k) {
      const std::size_t q = on_spine_ ? behind_->order[k] : k;
      const double behind = least_from(q);
      // Later ones take longer still, and nothing is free that is not channel-wise.
      if (is_in_order_ && earliest_clock + behind >= limit_) break;
      const double first = slots == nowhere ? no_limit : arrivals_.seconds(slots + q);
      fetching f;
      if (is_simple) {  // most often there is one value to fetch from
        const std::size_t need = stage_.query_needs[q * 4];
        f.sources[0] = only;
        f.is_there[0] =
            (stage_.needs[0].ranks[need] & ~held) == 0 && fetches_.moves().is_there(only, 0, need);
        if (!f.is_there[0] && (soonest + behind >= limit_ || soonest >= first)) continue;
        f.count = f.is_there[0] ? 0 : 1;
      } else {
        f = fetches_.find_sources(from, q);
      }
      if (f.count > 0) {
        const double earliest = latest + (fetches_.fetches_sum(f) ? 0 : p_.least_message);
        if (earliest + behind >= limit_ || earliest >= first ||
            !fetches_.find_route(q, f, std::min(limit_ - behind, first) - latest))
          continue;
        const double seconds = latest + f.seconds;
        if (f.waits && (seconds + behind >= limit_ || seconds >= first)) continue;
        if (f.waits && slots != nowhere) {
          arrivals_.put(slots + q, from, seconds);
          if (beam_.keeps_all()) continue;
        }
      }
      for (std::size_t n = stage_.first_option[q]; n != nowhere; n = stage_.next_option[n])
        extend(from, n, f, latest);
    }
  }

  constexpr std::size_t slots_of(std::size_t from) {
    if (p_.memory_binds) return nowhere;
    std::size_t kept[most_live]{}, count = 0;
    for (std::size_t k = 0; k < before_.live_count[from]; ++k) {
      const std::size_t v = before_.live[from * most_live + k];
      if (kept_number_[v] != nowhere) kept[count++] = v;
    }
    return arrivals_.slots_of(kept, count);
  }

  /// Inside a fused segment the only way is on.
  constexpr void continue_segment(std::size_t from, std::size_t next) {
    const std::size_t q = stage_.asked[next];
    fetching f = fetches_.find_sources(from, q);
    if (f.count == 0 || fetches_.find_route(q, f, no_limit)) extend(from, next, f, before_.latest[from]);
  }

  /// The label that has the inputs of a query first, of those that keep the same values besides.
  constexpr void arrive(std::size_t slot) {
    const std::size_t from = arrivals_.from(slot), q = arrivals_.query(slot);
    const double seconds = arrivals_.seconds(slot), latest = before_.latest[from];
    if (seconds + least_from(q) >= limit_) return;
    fetching f = fetches_.find_sources(from, q);
    (void)fetches_.find_route(q, f, no_limit);
    for (std::size_t n = stage_.first_option[q]; n != nowhere; n = stage_.next_option[n])
      if (seconds + (on_spine_ ? behind_->arriving[n] : least_behind_) < limit_) extend(from, n, f, latest);
  }

  constexpr void extend(std::size_t from, std::size_t chosen, const fetching& f, double latest) {
    if (p_.memory_binds)
      for (std::size_t r = 0; r < Ranks; ++r)
        if (!has_room(p_, r, before_.weights[from * Ranks + r] + stage_.weights[chosen * Ranks + r],
                      before_.peak[from * Ranks + r]))
          return;
    const bool is_free =
        f.count == 0 && is_channelwise(o_) && !is_weighted(o_) && o_.inputs[0] + 1 == i_ && i_ > 1;
    label<Ranks> next;
    if (on_spine_) {
      next.behind = behind_->behind(chosen);
      next.busy = stage_.busy[chosen], next.typical_rank = stage_.typical_rank[chosen];
    } else {
      next.behind = before_.behind(from);
      if (p_.main_path.has_side[i_ - 1]) next.behind.onward = before_side_->past_side[before_.chosen[from]];
      next.busy = before_.busy[from], next.typical_rank = before_.typical_rank[from];
      next.ahead = before_.ahead[from];
      for (std::size_t k = 0; k < o_.inputs.size(); ++k)
        if (!f.is_there[k] && o_.inputs[k] == p_.main_path.before[i_])
          next.ahead = latest + f.seconds + least_behind_;
    }
    double work = p_.least_flops_behind[i_], sum = 0, least = 0;
    std::size_t running = 0;
    for (std::size_t r = 0; r < Ranks; ++r) {
      const double clock = (f.waits ? latest + f.seconds : before_.clock[from * Ranks + r]) +
                           (is_free ? 0 : stage_.seconds[chosen].of[r]);
      next.clock[r] = clock;
      work += clock * p_.speed[r];
      if (clock > next.latest) next.latest = clock;
      if (!has(next.busy, r)) continue;
      if (running == 0) least = clock;
      if (clock < least) least = clock;
      sum += clock;
      ++running;
    }
    const double typical = running == 0   ? 0
                           : p_.are_alike ? next.clock[next.typical_rank]
                                          : sum / static_cast<double>(running);
    const double to_end = next.ahead > 0 ? next.ahead : next.behind.from(typical, least);
    next.bound = work / all_speed_ > to_end ? work / all_speed_ : to_end;
    if (before_.bound[from] > next.bound) next.bound = before_.bound[from];
    if (next.bound >= limit_) return;

    next.chosen = chosen;
    next.fetch = f.how;
    next.previous = from;
    for (std::size_t k = 0; k < before_.live_count[from]; ++k) {
      const std::size_t v = kept_number_[before_.live[from * most_live + k]];
      if (v != nowhere) add_live(next, v);
    }
    for (std::size_t k = 0; k < o_.inputs.size(); ++k) {
      const std::size_t tensor = o_.inputs[k];
      if (f.is_there[k] || p_.last_use[tensor] <= i_) continue;
      for (const layout<Ranks>& each :
           fetches_.moves().rounds(f.sources[k], k, stage_.query_needs[stage_.asked[chosen] * 4 + k], f.how))
        add_live(next,
                 kept_.labels().values.number_of(holding<Ranks>{tensor, false, each}, p_.ops[tensor].out));
    }
    const std::size_t value = stage_.made[chosen];
    if (number_of_value_[value] == nowhere)
      number_of_value_[value] = kept_.labels().values.number_of(stage_.values.entries[value].held, o_.out);
    add_live(next, number_of_value_[value]);
    if (ways_.are_known(chosen)) {
      const double joined = ways_.bound(next, kept_.labels().values, typical, least);
      if (joined >= limit_) return;
      if (joined > next.bound) next.bound = joined;
    }
    if (p_.memory_binds && !account(from, chosen, f, next)) return;
    next.rank = next.bound;
    if (thrift_ > 0) next.rank *= 1 + thrift_ * excess_behind(p_, i_, all_speed_, next.weights, next.peak);
    if (next.rank >= beam_.limit()) return;
    beam_.add(next.rank);
    // No rank is below the bound.
    if (beam_.limit() < limit_) limit_ = beam_.limit();
    kept_.insert(next, value);
  }

  static constexpr void add_live(label<Ranks>& l, std::size_t value) {
    if (l.live_count == most_live) std::abort();
    l.live[l.live_count++] = value;
  }

  /// Adds what the operator needs; false when that cannot fit.
  constexpr bool account(std::size_t from, std::size_t chosen, const fetching& f, label<Ranks>& next) {
    for (std::size_t r = 0; r < Ranks; ++r) {
      const std::size_t peak = peak_of(p_, o_, stage_, before_, fetches_.moves(), from, chosen, f, r);
      const std::size_t before = before_.peak[from * Ranks + r];
      next.weights[r] = before_.weights[from * Ranks + r] + stage_.weights[chosen * Ranks + r];
      next.peak[r] = before > peak ? before : peak;
      if (!has_room(p_, r, next.weights[r], next.peak[r])) return false;
    }
    return has_room_behind(p_, i_, next.weights, next.peak);
  }

  const problem<Operators, Ranks>& p_;
  op o_;  ///< a copy, see search_pieces.hpp
  std::size_t i_;
  bool on_spine_;
  bool is_in_order_;  ///< what remains from each query is known, the least first
  const stage& before_stage_;
  const stage& stage_;
  const remainders<Ranks, Most>* behind_;
  const remainders<Ranks, Most>* before_side_;
  double least_behind_;
  const frontier& before_;
  double limit_;
  double all_speed_ = 0;
  keeping<Most, Operators, Ranks> kept_;
  fetches<Most, Operators, Ranks> fetches_;
  arrivals<Ranks, Most> arrivals_;
  column<std::size_t, Most> kept_number_{};      ///< of each value before, behind this operator; or nowhere
  column<std::size_t, Most> number_of_value_{};  ///< of the values made; or nowhere
  ways_ahead<Most, Operators, Ranks> ways_;
  planner::beam beam_;
  double thrift_;
  std::size_t tries_;
};

}  // namespace iop::planner
