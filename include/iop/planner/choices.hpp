// SPDX-License-Identifier: MIT
#pragma once

// What the search may decide for one operator: the partitions over each set of devices, with cuts balanced
// for them. A choice is a decision and, for rows, the operator at the end of its fused segment: the operators
// up to there make the rows that the end needs, halos included, and nothing is exchanged between them.

#include <iop/planner/strips.hpp>

#include <cstddef>
#include <vector>

namespace iop::planner {

template <std::size_t Ranks>
struct choice {
  decision<Ranks> made{};
  rank_set members = 0;
  std::size_t fused_until = 0;  ///< the last operator of the segment; the operator itself when not fused
  std::size_t level = 0;        ///< of a segment: which of `winograd_sets` its operators use
};

/// The choices of one operator, in columns.
template <std::size_t Ranks, std::size_t Most>
struct choice_table {
  std::size_t count = 0;
  column<partition, Most> how{};
  column<ranges<Ranks>, Most> shares{};
  column<rank_set, Most> members{};
  column<rank_set, Most> winograd{};
  column<std::size_t, Most> fused_until{};
  column<std::size_t, Most> level{};
  column<std::size_t, Most> typical_rank{};  ///< of rows, see `stage`
  column<bool, Most> inside{};               ///< only of use inside a segment that begins before
  /// Where those begin that cut by rows for a segment that ends so many operators later; they follow each
  /// other, and end where the last ones would begin.
  std::size_t strips[longest_fusion + 1]{};

  constexpr std::size_t size() const { return count; }

  constexpr choice<Ranks> operator[](std::size_t n) const {
    choice<Ranks> c{decide(how[n], shares[n]), members[n], fused_until[n], level[n]};
    c.made.winograd = winograd[n];
    return c;
  }

  /// The same shares by the same algorithms.
  constexpr bool cuts_alike(std::size_t n, const choice_table& other, std::size_t m) const {
    return how[n] == other.how[m] && winograd[n] == other.winograd[m] && shares[n] == other.shares[m];
  }

  /// In the segment of a choice for an operator before, the choice for this one, `index`, to go on with.
  constexpr std::size_t going_on(const choice_table& before, std::size_t n, std::size_t index) const {
    return next_of(before.fused_until[n] - index, before.members[n], before.level[n]);
  }
  /// In a segment that ends `depth` operators later, the choice to go on with.
  constexpr std::size_t next_of(std::size_t depth, rank_set of, std::size_t at_level) const {
    for (std::size_t n = strips[depth]; n < strips[depth + 1]; ++n)
      if (members[n] == of && level[n] == at_level) return n;
    return count;
  }
};

template <std::size_t Most, std::size_t Operators, std::size_t Ranks>
class choice_builder {
 public:
  using table = choice_table<Ranks, Most>;

  constexpr choice_builder(const problem<Operators, Ranks>& p, std::size_t index) : p_(p), i_(index) {}

  /// `inputs`: the choices of the operators that it reads; `behind[d]`: the segments that end `d` operators
  /// later, as far as there are.
  constexpr table run(const table* const (&inputs)[4],
                      const strips<Ranks, Most>* const (&behind)[longest_fusion]) {
    const op& o = p_.ops[i_];
    if (i_ == 0) {
      add_single(p_.ends.input_rank);
      return std::move(made_);
    }
    if (p_.allowed.single || o.what == kind::softmax) {
      for (std::size_t r = 0; r < Ranks; ++r) add_single(r);
      for (const rank_set s : p_.sets) add(partition::replicated, all_for(s), s, made_.count);
    }
    if (o.what == kind::softmax) return std::move(made_);
    for (std::size_t depth = 0; depth < longest_fusion; ++depth) {
      made_.strips[depth] = made_.count;
      if (i_ + depth < p_.ops.size()) add_strips(*behind[depth], depth);
    }
    made_.strips[longest_fusion] = made_.count;
    if (p_.allowed.rows_first && made_.count > 0) return std::move(made_);
    for (std::size_t k = 0; k < o.inputs.size(); ++k) follow(*inputs[k]);
    for (const rank_set s : p_.sets) channels(s);
    if (made_.count == 0) add_single(p_.ends.output_rank);
    return std::move(made_);
  }

 private:
  constexpr rank_set quicker_by_winograd(partition how, const ranges<Ranks>& shares) const {
    return p_.has_forms ? planner::quicker_by_winograd(p_.ops[i_], *p_.devices, decide(how, shares)) : 0;
  }

  constexpr void push_back(partition how, const ranges<Ranks>& shares, rank_set winograd, rank_set members,
                           std::size_t until, std::size_t level) {
    const std::size_t n = made_.count++;
    if constexpr (Most == unbounded) grow_by_one();
    made_.how[n] = how;
    made_.shares[n] = shares;
    made_.winograd[n] = winograd;
    made_.members[n] = members;
    made_.fused_until[n] = until;
    made_.level[n] = level;
    std::size_t& last = last_[static_cast<std::size_t>(how)];
    before_[n] = last;
    last = made_.count;
  }

  constexpr void grow_by_one() {
    const std::size_t count = made_.count;
    grow_all(count, made_.how, made_.shares, made_.winograd, made_.members, made_.fused_until, made_.level,
             made_.typical_rank, made_.inside, before_);
  }

  /// From the choice `first` on.
  constexpr bool is_known(partition how, const ranges<Ranks>& shares, rank_set winograd,
                          std::size_t first) const {
    for (std::size_t next = last_[static_cast<std::size_t>(how)]; next > first; next = before_[next - 1])
      if (made_.winograd[next - 1] == winograd && made_.shares[next - 1] == shares) return true;
    return false;
  }

  /// Unless it is known; `first`: no choice before cuts alike.
  constexpr void add(partition how, const ranges<Ranks>& shares, rank_set members, std::size_t first = 0) {
    const rank_set quicker = quicker_by_winograd(how, shares);
    for (const rank_set users : p_.winograd_sets)
      if (!is_known(how, shares, quicker & users, first))
        push_back(how, shares, quicker & users, members, i_, 0);
  }

  constexpr ranges<Ranks> all_for(rank_set members) const {
    ranges<Ranks> shares{};
    for (std::size_t r = 0; r < Ranks; ++r)
      if (has(members, r)) shares.end[r] = p_.ops[i_].out.channels;
    return shares;
  }
  constexpr void add_single(std::size_t rank) {
    const rank_set only = rank_set{1} << rank;
    add(partition::single, all_for(only), only, made_.count);
  }

  /// Inside a segment each set makes something of its own. All of a segment's operators use Winograd's
  /// algorithm on the same ranks, or could.
  constexpr void add_strips(const strips<Ranks, Most>& all, std::size_t depth) {
    for (std::size_t set = 0, sets = p_.sets.size(); set < sets; ++set) {
      const std::size_t row = depth * sets + set;
      if (!all.exist[row]) continue;
      const rank_set quicker = quicker_by_winograd(partition::spatial, all.rows[row]);
      for (std::size_t level = 0; level < p_.winograd_sets.size(); ++level) {
        push_back(partition::spatial, all.rows[row], quicker & p_.winograd_sets[level], p_.sets[set],
                  i_ + depth, level);
        made_.typical_rank[made_.count - 1] = all.typical_rank[set];
        made_.inside[made_.count - 1] = !all.start[row];
      }
    }
  }

  /// Channel-wise operators keep the shares of their producer; what sums over channels takes them as they
  /// are.
  constexpr void follow(const table& producer) {
    const op& o = p_.ops[i_];
    const bool sums = has_partial_sums(o) && p_.allowed.interleaved;
    if (!sums && !(is_channelwise(o) && p_.allowed.output_channel)) return;
    const std::size_t unit = is_depthwise(o) ? channel_unit(o) : 1;
    for (std::size_t n = 0; n < producer.count; ++n) {
      if (producer.how[n] != partition::output_channel) continue;
      ranges<Ranks> shares = producer.shares[n];
      rank_set members = 0;
      for (std::size_t r = 0; r < Ranks; ++r) {
        shares.begin[r] *= unit, shares.end[r] *= unit;
        if (shares.end[r] > shares.begin[r]) members |= rank_set{1} << r;
      }
      add(sums ? partition::input_channel : partition::output_channel, shares, members);
    }
  }

  constexpr void channels(rank_set s) {
    const op& o = p_.ops[i_];
    const cluster<Ranks>& c = *p_.devices;
    if (p_.allowed.output_channel) {
      add(partition::output_channel, ranges_of(balance_output_channels(o, c, s, p_.are_alike)), s);
      const std::size_t tail = tail_behind();
      if (is_weighted(o) && tail < p_.ops.size() && p_.allowed.interleaved)
        add(partition::output_channel, ranges_of(balance_pair(o, p_.ops[tail], c, s, p_.are_alike)), s);
    }
    if (p_.allowed.input_channel && has_partial_sums(o) && o.in.channels > 1)
      add(partition::input_channel, ranges_of(balance_input_channels(o, c, s, p_.are_alike)), s);
  }

  /// The operator that could end an interleaved segment which starts here.
  constexpr std::size_t tail_behind() const {
    std::size_t tail = i_ + 1;
    while (tail < p_.ops.size() && is_channelwise(p_.ops[tail]) && p_.ops[tail].inputs[0] == tail - 1) ++tail;
    const bool fits =
        tail < p_.ops.size() && has_partial_sums(p_.ops[tail]) && p_.ops[tail].inputs[0] == tail - 1;
    return fits ? tail : p_.ops.size();
  }

  const problem<Operators, Ranks>& p_;
  std::size_t i_;
  table made_{};
  // Those with the same partition: numbers plus 1.
  std::size_t last_[static_cast<std::size_t>(partition::spatial) + 1]{};
  column<std::size_t, Most> before_{};
};

/// The choices of each operator.
template <std::size_t Ranks>
using choice_lists = std::vector<choice_table<Ranks, unbounded>>;

template <std::size_t Operators, std::size_t Ranks>
constexpr choice_lists<Ranks> choices_of(const problem<Operators, Ranks>& p) {
  std::vector<row_cuts<Ranks, unbounded>> cuts;
  std::vector<strips<Ranks, unbounded>> segments;
  cuts.reserve(p.ops.size());
  segments.reserve(p.ops.size());
  for (std::size_t i = 0; i < p.ops.size(); ++i) {
    cuts.push_back(cut_rows<unbounded>(p, i));
    const row_cuts<Ranks, unbounded>* before[longest_fusion]{};
    for (std::size_t d = 0; d < longest_fusion && d <= i; ++d) before[d] = &cuts[i - d];
    segments.push_back(strip_builder<unbounded, Operators, Ranks>(p, i, before).run());
  }
  choice_lists<Ranks> all;
  all.reserve(p.ops.size());
  for (std::size_t i = 0; i < p.ops.size(); ++i) {
    const choice_table<Ranks, unbounded>* inputs[4]{};
    for (std::size_t k = 0; k < p.ops[i].inputs.size(); ++k) inputs[k] = &all[p.ops[i].inputs[k]];
    const strips<Ranks, unbounded>* behind[longest_fusion]{};
    for (std::size_t d = 0; d < longest_fusion && i + d < p.ops.size(); ++d) behind[d] = &segments[i + d];
    all.push_back(choice_builder<unbounded, Operators, Ranks>(p, i).run(inputs, behind));
  }
  return all;
}

}  // namespace iop::planner
