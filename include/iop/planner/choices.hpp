// SPDX-License-Identifier: MIT
#pragma once

// What the search may decide for one operator: the partitions over each set of devices, with cuts balanced
// for them. A choice is a decision and, for rows, the operator at the end of its fused segment: the operators
// up to there make the rows that the end needs, halos included, and nothing is exchanged between them.

#include <iop/planner/arena.hpp>
#include <iop/planner/shares.hpp>

#include <algorithm>
#include <cstddef>
#include <limits>
#include <vector>

namespace iop::planner {

/// Which kinds of choices a search may use; `optimal` uses all of them.
struct allowances {
  bool single = true;          ///< all of an operator on one rank, or replicated
  bool output_channel = true;  ///< cut by output channel
  bool input_channel = true;   ///< cut by input channel where the input must be cut for it
  bool interleaved = true;     ///< cut by input channel as the input is cut already
  bool spatial = true;         ///< cut by rows
  bool fused = true;           ///< cut by rows in segments
  bool subsets = true;         ///< leave devices out
  bool rows_first = false;     ///< channels only where there are no rows to cut
};

template <std::size_t Ranks>
struct choice {
  decision<Ranks> made{};
  rank_set members = 0;
  std::size_t fused_until = 0;  ///< the last operator of the segment; the operator itself when not fused
  std::size_t level = 0;        ///< of a segment: which of `winograd_sets` its operators use
};

/// The choices of each operator.
template <std::size_t Ranks>
using choice_lists = std::vector<std::vector<choice<Ranks>>>;

/// Fused segments are at most so many operators long: halos grow with each.
inline constexpr std::size_t longest_fusion = 16;

/// What the choices of all operators have in common.
template <std::size_t Operators, std::size_t Ranks>
struct problem {
  op_list ops{};
  const cluster<Ranks>* devices = nullptr;
  link_table<Ranks> links{};
  bool are_alike = false;  ///< exchanging two devices changes nothing but the endpoints
  endpoints ends{};
  allowances allowed{};
  bool has_branches = false;          ///< some operator has several inputs
  bool memory_binds = false;          ///< some device cannot hold everything
  fixed_vector<rank_set, 64> sets{};  ///< of two and more devices
  /// Who may use Winograd's algorithm: with tight memory nobody, or those with the most memory.
  fixed_vector<rank_set, Ranks + 1> winograd_sets{};
  std::size_t last_use[Operators]{};       ///< the last operator that reads each tensor
  double least_message = 0;                ///< seconds that any message takes at least
  double least_per_float = 0;              ///< seconds that sending a float takes at least
  double dearest_message = 0;              ///< seconds that any message takes at most
  double dearest_per_float = 0;            ///< seconds that sending a float takes at most
  double least_flops_behind[Operators]{};  ///< work that remains behind each operator, see `bound`
};

/// True when exchanging two devices changes nothing but the endpoints.
template <std::size_t Ranks>
constexpr bool are_alike(const cluster<Ranks>& c) {
  for (std::size_t a = 0; a < Ranks; ++a) {
    const device &d = c.devices[a], &first = c.devices[0];
    if (!(d.compute.flops_per_second == first.compute.flops_per_second) ||
        !(d.memory_bandwidth.bytes_per_second == first.memory_bandwidth.bytes_per_second) ||
        d.memory.bytes != first.memory.bytes || !(d.winograd == first.winograd) ||
        !(d.depthwise == first.depthwise) || !(d.narrow == first.narrow))
      return false;
    for (std::size_t b = 0; b < Ranks; ++b)
      if (a != b && !(c.between(a, b) == c.between(Ranks > 1 ? 1 : 0, 0))) return false;
  }
  return true;
}

/// All sets of two and more of up to four devices. Of more: for each number of devices the fastest, the
/// largest, and all but one. Of alike devices one set stands for all that differ in names only.
template <std::size_t Ranks>
constexpr fixed_vector<rank_set, 64> member_sets(const cluster<Ranks>& c, endpoints ends) {
  fixed_vector<rank_set, 64> sets;
  const bool alike = Ranks > 3 && are_alike(c);
  const auto class_of = [&](rank_set s) {
    std::size_t count = 0;
    for (std::size_t r = 0; r < Ranks; ++r) count += has(s, r);
    return count * 4 + (has(s, ends.input_rank) ? 2 : 0) + (has(s, ends.output_rank) ? 1 : 0);
  };
  const auto add = [&](rank_set s) {
    if (class_of(s) < 8) return;
    for (const rank_set earlier : sets)
      if (earlier == s || (alike && class_of(earlier) == class_of(s))) return;
    sets.push_back(s);
  };
  const rank_set all = static_cast<rank_set>((std::uint64_t{1} << Ranks) - 1);
  add(all);
  if (Ranks <= 4) {
    for (rank_set s = 1; s < all; ++s) add(s);
    return sets;
  }
  std::size_t order[Ranks]{};
  const auto add_prefixes = [&](auto&& key) {
    for (std::size_t r = 0; r < Ranks; ++r) order[r] = r;
    const auto is_end = [&](std::size_t r) { return r == ends.input_rank || r == ends.output_rank; };
    std::sort(order, order + Ranks, [&](std::size_t a, std::size_t b) {
      if (key(a) != key(b)) return key(a) > key(b);
      return is_end(a) != is_end(b) ? is_end(a) : a < b;
    });
    rank_set chosen = 0;
    for (const std::size_t r : order) add(chosen |= rank_set{1} << r);
  };
  add_prefixes([&](std::size_t r) { return c.devices[r].compute.flops_per_second; });
  add_prefixes([&](std::size_t r) { return static_cast<double>(c.devices[r].memory.bytes); });
  for (std::size_t r = 0; r < Ranks; ++r) add(all & ~(rank_set{1} << r));
  return sets;
}

/// What an operation of an operator takes of those that a device's `compute` counts, on the device that it
/// suits best.
template <std::size_t Ranks>
constexpr double least_effort(const cluster<Ranks>& c, const op& o) {
  double least = std::numeric_limits<double>::infinity();
  for (const device& d : c.devices) {
    double fastest = rate_of(d, o, false).flops_per_second;
    if (has_winograd(o)) fastest = std::max(fastest, d.winograd.flops_per_second);
    least = std::min(least, d.compute.flops_per_second / fastest);
  }
  return least;
}

/// Those with as much memory as another or more, the largest last; first nobody.
template <std::size_t Ranks>
constexpr fixed_vector<rank_set, Ranks + 1> winograd_sets(const cluster<Ranks>& c, bool memory_binds) {
  fixed_vector<rank_set, Ranks + 1> sets;
  const auto add = [&](std::size_t least_bytes) {
    rank_set chosen = 0;
    for (std::size_t r = 0; r < Ranks; ++r)
      if (c.devices[r].memory.bytes >= least_bytes && c.devices[r].winograd.flops_per_second > 0)
        chosen |= rank_set{1} << r;
    for (const rank_set earlier : sets)
      if (earlier == chosen) return;
    sets.push_back(chosen);
  };
  if (!memory_binds) {
    add(0);
    return sets;
  }
  sets.push_back(0);
  for (const device& d : c.devices) add(d.memory.bytes);
  return sets;
}

template <std::size_t Operators, std::size_t Ranks>
constexpr problem<Operators, Ranks> pose(op_list ops, const cluster<Ranks>& c, endpoints ends,
                                         allowances allowed = {}) {
  problem<Operators, Ranks> p;
  p.ops = ops;
  p.devices = &c;
  p.links = link_table<Ranks>(c);
  p.are_alike = planner::are_alike(c);
  p.ends = ends;
  p.allowed = allowed;
  if (allowed.subsets)
    p.sets = member_sets(c, ends);
  else if (Ranks > 1)
    p.sets.push_back(static_cast<rank_set>((std::uint64_t{1} << Ranks) - 1));
  for (std::size_t i = 0; i < ops.size(); ++i)
    for (const std::size_t input : ops[i].inputs) {
      p.last_use[input] = i;
      p.has_branches = p.has_branches || ops[i].inputs.size() > 1;
    }

  for (std::size_t a = 0; a < Ranks; ++a)
    for (std::size_t b = 0; b < Ranks; ++b) {
      if (a == b) continue;
      const link joint = c.between(a, b);
      const double per_float = sizeof(float) / joint.bandwidth.bytes_per_second;
      const bool is_first = a == 0 && b == 1;
      if (is_first || joint.message.seconds < p.least_message) p.least_message = joint.message.seconds;
      if (is_first || per_float < p.least_per_float) p.least_per_float = per_float;
      if (joint.message.seconds > p.dearest_message) p.dearest_message = joint.message.seconds;
      if (per_float > p.dearest_per_float) p.dearest_per_float = per_float;
    }

  // No device is served worse by a byte than this share of its FLOPs.
  double flops_per_byte = 0;
  for (std::size_t r = 0; r < Ranks; ++r) {
    const double f = c.devices[r].compute.flops_per_second / c.devices[r].memory_bandwidth.bytes_per_second;
    flops_per_byte = r == 0 ? f : std::min(flops_per_byte, f);
  }
  bool has_forms = false;  // to choose from
  for (const device& d : c.devices) has_forms |= d.winograd.flops_per_second > 0;
  double rest = 0;
  std::size_t largest = 0, everything = 0, workspace = 0;
  for (std::size_t i = ops.size(); i-- > 0;) {
    p.least_flops_behind[i] = rest;
    const op& o = ops[i];
    const std::size_t weights = weight_count(o, o.out.channels, channels_read(o));
    if (is_weighted(o))
      rest += std::max(2.0 * static_cast<double>(weights * o.out.height * o.out.width) * least_effort(c, o),
                       static_cast<double>((weights + o.out.size()) * sizeof(float)) * flops_per_byte);
    largest = std::max(largest, o.out.size());
    everything += 2 * alignment_floats + parameter_count(o);
    if (!has_forms || !has_winograd(o)) continue;
    everything += winograd_weight_count(o.out.channels, o.in.channels) - weights;
    workspace =
        std::max(workspace, winograd_workspace(o.out.height, o.out.width, o.in.channels, o.out.channels));
  }
  // Six copies of the largest tensor hold all that is alive at once, staging and a skip included.
  everything += alignment_floats + (6 + Ranks) * (largest + alignment_floats) + workspace;
  for (const device& d : c.devices) p.memory_binds |= d.memory.bytes < everything * sizeof(float);
  p.winograd_sets = winograd_sets(c, p.memory_binds);
  return p;
}

/// Cuts of the rows that end a segment: in proportion to the work of the last weighted operator before them.
template <std::size_t Operators, std::size_t Ranks>
constexpr share_list<Ranks> end_rows(const problem<Operators, Ranks>& p, std::size_t last, rank_set members) {
  std::size_t worker = last;
  while (!is_weighted(p.ops[worker]) && p.ops[worker].inputs[0] > 0) worker = p.ops[worker].inputs[0];
  if (!is_weighted(p.ops[worker])) worker = last;
  return balance_rows(p.ops[worker], p.ops[last], *p.devices, members);
}

template <std::size_t Operators, std::size_t Ranks>
class choice_list {
 public:
  constexpr choice_list(const problem<Operators, Ranks>& p, std::size_t index) : p_(p), i_(index) {}

  /// `all`: the choices of the operators before; `rows`: the operator's rows in segments.
  constexpr std::vector<choice<Ranks>> make(const choice_lists<Ranks>& all,
                                            const std::vector<choice<Ranks>>& rows) {
    const op& o = p_.ops[i_];
    if (i_ == 0) {
      add(decide_single<Ranks>(o, p_.ends.input_rank), rank_set{1} << p_.ends.input_rank);
      return std::move(list_);
    }
    if (p_.allowed.single || o.what == kind::softmax) {
      for (std::size_t r = 0; r < Ranks; ++r) add(decide_single<Ranks>(o, r), rank_set{1} << r);
      for (const rank_set s : p_.sets) add(decide_replicated<Ranks>(o, s), s);
    }
    if (o.what == kind::softmax) return std::move(list_);
    // Inside a segment each set makes something of its own.
    for (const choice<Ranks>& each : rows) list_.push_back(each);
    if (p_.allowed.rows_first && !list_.empty()) return std::move(list_);
    for (const std::size_t input : o.inputs)
      for (const choice<Ranks>& producer : all[input]) follow(producer.made);
    for (const rank_set s : p_.sets) channels(s);
    if (list_.empty()) add(decide_single<Ranks>(o, p_.ends.output_rank), rank_set{1} << p_.ends.output_rank);
    return std::move(list_);
  }

 private:
  constexpr void add(decision<Ranks> d, rank_set members) {
    const rank_set quicker = quicker_by_winograd(p_.ops[i_], *p_.devices, d);
    for (const rank_set users : p_.winograd_sets) {
      d.winograd = quicker & users;
      bool is_new = true;
      for (const choice<Ranks>& earlier : list_)
        is_new = is_new && !(earlier.made.how == d.how && earlier.made == d);
      if (is_new) list_.push_back({d, members, i_});
    }
  }

  /// Channel-wise operators keep the shares of their producer; what sums over channels takes them as they
  /// are.
  constexpr void follow(const decision<Ranks>& producer) {
    const op& o = p_.ops[i_];
    const bool sums = has_partial_sums(o) && p_.allowed.interleaved;
    if (producer.how != partition::output_channel ||
        !(sums || (is_channelwise(o) && p_.allowed.output_channel)))
      return;
    share_list<Ranks> shares{};
    for (std::size_t r = 0; r < Ranks; ++r) {
      shares[r] = producer.shares[r];
      if (is_depthwise(o)) shares[r] = {shares[r].begin * channel_unit(o), shares[r].end * channel_unit(o)};
    }
    add(decide(sums ? partition::input_channel : partition::output_channel, shares), members_of(shares));
  }

  static constexpr rank_set members_of(const share_list<Ranks>& shares) {
    rank_set members = 0;
    for (std::size_t r = 0; r < Ranks; ++r)
      if (!shares[r].empty()) members |= rank_set{1} << r;
    return members;
  }

  constexpr void channels(rank_set s) {
    const op& o = p_.ops[i_];
    const cluster<Ranks>& c = *p_.devices;
    if (p_.allowed.output_channel) {
      add(decide(partition::output_channel, balance_output_channels(o, c, s)), s);
      const std::size_t tail = tail_behind();
      if (is_weighted(o) && tail < p_.ops.size() && p_.allowed.interleaved)
        add(decide(partition::output_channel, balance_pair(o, p_.ops[tail], c, s)), s);
    }
    if (p_.allowed.input_channel && has_partial_sums(o) && o.in.channels > 1)
      add(decide(partition::input_channel, balance_input_channels(o, c, s)), s);
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
  std::vector<choice<Ranks>> list_;
};

/// The choices that cut by rows, in segments. From the last operator of a segment to the front, each makes
/// the rows that those behind it need.
template <std::size_t Operators, std::size_t Ranks>
class segment_list {
 public:
  constexpr explicit segment_list(const problem<Operators, Ranks>& p) : rows(p.ops.size()), p_(p) {
    if (!p.allowed.spatial) return;
    for (std::size_t last = 1; last < p.ops.size(); ++last) {
      if (!has_rows(p.ops[last]) || p.ops[last].out.height <= 1) continue;
      row_seconds_[last] = seconds_of_row(last);
      for (std::size_t n = 0; n < p.sets.size(); ++n) add(last, n);
    }
  }

  choice_lists<Ranks> rows;  ///< of each operator

 private:
  constexpr void add(std::size_t last, std::size_t set) {
    const rank_set members = p_.sets[set];
    share_list<Ranks> needed[longest_fusion]{};  // of operators last, last − 1, …
    needed[0] = end_rows(p_, last, members);
    for (const choice<Ranks>& earlier : rows[last])  // a set with a device that gets nothing is no other
      if (has_shares(earlier.made, needed[0])) return;
    alone_[last][set] = needed[0];
    bool is_closed = true;  // nothing behind the segment reads what is inside it
    for (std::size_t i = last; i > 0; --i) {
      const op& o = p_.ops[i];
      const share_list<Ranks> mine = needed[last - i];
      if (!has_rows(o)) return;
      if (i < last && p_.last_use[i] > last) is_closed = false;
      if (!is_closed) return;
      if (i < last &&
          (is_all(mine, members, o.out.height) || is_cheaper_exchanged(i, set, mine, needed[last - i - 1])))
        return;
      push_back(i, mine, members, last);
      if (!p_.allowed.fused || last - i + 1 == longest_fusion) return;
      for (std::size_t k = 0; k < o.inputs.size(); ++k) {
        if (last - o.inputs[k] >= longest_fusion) continue;
        share_list<Ranks>& producer = needed[last - o.inputs[k]];
        for (std::size_t r = 0; r < Ranks; ++r)
          producer[r] = hull(producer[r], needed_input(o, {mine[r], {0, o.out.channels}}, k).rows);
      }
    }
  }

  /// All of a segment's operators use Winograd's algorithm on the same ranks, or could.
  constexpr void push_back(std::size_t i, const share_list<Ranks>& mine, rank_set members, std::size_t last) {
    decision<Ranks> d = decide(partition::spatial, mine);
    const rank_set quicker = quicker_by_winograd(p_.ops[i], *p_.devices, d);
    for (std::size_t level = 0; level < p_.winograd_sets.size(); ++level) {
      d.winograd = quicker & p_.winograd_sets[level];
      rows[i].push_back({d, members, last, level});
    }
  }

  static constexpr bool has_shares(const decision<Ranks>& d, const share_list<Ranks>& shares) {
    for (std::size_t r = 0; r < Ranks; ++r)
      if (!(d.shares[r] == shares[r])) return false;
    return true;
  }

  /// No better than replicated.
  static constexpr bool is_all(const share_list<Ranks>& mine, rank_set members, std::size_t height) {
    for (std::size_t r = 0; r < Ranks; ++r)
      if (has(members, r) && mine[r].end > mine[r].begin && mine[r].end - mine[r].begin != height)
        return false;
    return true;
  }

  /// What an operator makes beyond its own share takes longer than fetching that from the neighbours, so the
  /// segment better begins behind it.
  constexpr bool is_cheaper_exchanged(std::size_t i, std::size_t set, const share_list<Ranks>& mine,
                                      const share_list<Ranks>& behind) const {
    // Behind an exchange a pooling is not free any more.
    const bool is_free = is_channelwise(p_.ops[i + 1]) && !is_weighted(p_.ops[i + 1]);
    double together = 0, alone = 0, lost = 0, most = 0;
    for (std::size_t r = 0; r < Ranks; ++r) {
      const range own = alone_[i][set][r], all = mine[r], next = behind[r];
      const double own_rows = static_cast<double>(own.end - own.begin);
      const double all_rows = static_cast<double>(all.end - all.begin), row = row_seconds_[i][r];
      if (own_rows * row > alone) alone = own_rows * row;
      if (all_rows * row > together) together = all_rows * row;
      if (all_rows - own_rows > most) most = all_rows - own_rows;
      const double again = is_free ? row_seconds_[i + 1][r] * static_cast<double>(next.end - next.begin) : 0;
      if (again > lost) lost = again;
    }
    const double floats = most * static_cast<double>(p_.ops[i].out.width * p_.ops[i].out.channels);
    return together - alone > lost + 2 * p_.dearest_message + floats * p_.dearest_per_float;
  }

  constexpr std::array<double, Ranks> seconds_of_row(std::size_t i) const {
    const op& o = p_.ops[i];
    std::array<double, Ranks> seconds{};
    for (std::size_t r = 0; r < Ranks; ++r)
      seconds[r] = quickest_on(p_.devices->devices[r], o, whole(o.in), whole(o.out)) /
                   static_cast<double>(o.out.height);
    return seconds;
  }

  const problem<Operators, Ranks>& p_;
  std::array<double, Ranks> row_seconds_[Operators]{};
  share_list<Ranks> alone_[Operators][64]{};  ///< of each operator and set, without a segment behind it
};

template <std::size_t Operators, std::size_t Ranks>
constexpr choice_lists<Ranks> choices_of(const problem<Operators, Ranks>& p) {
  const segment_list<Operators, Ranks> segments(p);
  choice_lists<Ranks> all;
  all.reserve(p.ops.size());
  for (std::size_t i = 0; i < p.ops.size(); ++i)
    all.push_back(choice_list<Operators, Ranks>(p, i).make(all, segments.rows[i]));
  return all;
}

}  // namespace iop::planner
