// SPDX-License-Identifier: MIT
#pragma once

// Cuts by rows, in segments. From the last operator of a segment to the front, each makes the rows that those
// behind it need, halos included, as long as that can be better than to fetch them from the neighbours.

#include <iop/planner/column.hpp>
#include <iop/planner/problem.hpp>
#include <iop/planner/shares.hpp>

#include <algorithm>
#include <cstddef>

namespace iop::planner {

/// Fused segments are at most so many operators long: halos grow with each.
inline constexpr std::size_t longest_fusion = 16;

/// One operator cut by rows on its own, for each set of devices.
template <std::size_t Ranks, std::size_t Most>
struct row_cuts {
  bool exist = false;
  double row_seconds[Ranks]{};  ///< of one row of its output
  column<ranges<Ranks>, Most> of_set{};
};

template <std::size_t Most, std::size_t Operators, std::size_t Ranks>
constexpr row_cuts<Ranks, Most> cut_rows(const problem<Operators, Ranks>& p, std::size_t i) {
  row_cuts<Ranks, Most> cuts;
  const op& o = p.ops[i];
  grow(cuts.of_set, p.sets.size());
  if (i == 0 || !p.allowed.spatial || !has_rows(o) || o.out.height <= 1) return cuts;
  cuts.exist = true;
  for (std::size_t r = 0; r < Ranks; ++r)
    cuts.row_seconds[r] = r > 0 && p.are_alike
                              ? cuts.row_seconds[0]
                              : quickest_on(p.devices->devices[r], o, whole(o.in), whole(o.out)) /
                                    static_cast<double>(o.out.height);
  // In proportion to the work of the last weighted operator up to here.
  std::size_t worker = i;
  while (!is_weighted(p.ops[worker]) && p.ops[worker].inputs[0] > 0) worker = p.ops[worker].inputs[0];
  if (!is_weighted(p.ops[worker])) worker = i;
  for (std::size_t n = 0; n < p.sets.size(); ++n)
    cuts.of_set[n] = ranges_of(balance_rows(p.ops[worker], o, *p.devices, p.sets[n], p.are_alike));
  return cuts;
}

/// The segments that end with one operator: what the operators up to there make, `depth` before the last.
template <std::size_t Ranks, std::size_t Most>
struct strips {
  column<bool, Most> exist{};                ///< by depth and set
  column<bool, Most> start{};                ///< by depth and set: a segment may begin there
  column<std::size_t, Most> typical_rank{};  ///< by set, see `stage`
  column<ranges<Ranks>, Most> rows{};        ///< by depth and set
};

template <std::size_t Most, std::size_t Operators, std::size_t Ranks>
class strip_builder {
 public:
  using cuts = row_cuts<Ranks, Most>;

  /// `before[d]` are the cuts of the operator `d` before the last, which is the first of them.
  constexpr strip_builder(const problem<Operators, Ranks>& p, std::size_t last,
                          const cuts* const (&before)[longest_fusion])
      : p_(p), last_(last), before_(before) {}

  constexpr strips<Ranks, Most> run() {
    const std::size_t sets = p_.sets.size();
    grow(made_.exist, longest_fusion * sets);
    grow(made_.start, longest_fusion * sets);
    grow(made_.typical_rank, sets);
    grow(made_.rows, longest_fusion * sets);
    if (before_[0]->exist)
      for (std::size_t n = 0; n < sets; ++n)
        if (is_new(n)) {
          made_.typical_rank[n] = typical_of(n);
          add(n);
        }
    return std::move(made_);
  }

 private:
  /// A set with a device that gets nothing is no other set.
  constexpr bool is_new(std::size_t set) const {
    for (std::size_t n = 0; n < set; ++n)
      if (before_[0]->of_set[n] == before_[0]->of_set[set]) return false;
    return true;
  }

  /// The second of three and more, which has halos on both sides, where its share is no less than the first
  /// one's; else the first.
  constexpr std::size_t typical_of(std::size_t set) const {
    ranges<Ranks> own = before_[0]->of_set[set];
    std::size_t ranks[3]{}, rows[3]{}, count = 0;
    for (std::size_t r = 0; r < Ranks && count < 3; ++r) {
      const std::size_t share = own.end[r] - own.begin[r];
      if (share > 0) ranks[count] = r, rows[count++] = share;
    }
    return p_.are_alike && count == 3 && rows[0] == rows[1] ? ranks[1] : ranks[0];
  }

  constexpr void add(std::size_t set) {
    ranges<Ranks> all[longest_fusion]{};  // of operators last, last − 1, …
    bool is_read[longest_fusion]{};       // by an operator that was looked at
    all[0] = before_[0]->of_set[set];
    std::size_t split = 0;  // an operator where the segment is as good as two; or none
    for (std::size_t depth = 0; depth < last_; ++depth) {
      const std::size_t i = last_ - depth;
      const op o = p_.ops[i];
      // Nothing behind the segment may read what is inside it.
      if (!has_rows(o) || (depth > 0 && p_.last_use[i] > last_)) return;
      const bool has_no_halos =
          depth > 0 && before_[depth]->exist && all[depth] == before_[depth]->of_set[set];
      if (depth > 0 && (is_all(all[depth], o.out.height) ||
                        (!has_no_halos && is_cheaper_exchanged(depth, set, all[depth], all[depth - 1]))))
        return;
      const std::size_t row = depth * p_.sets.size() + set;
      if (p_.last_use[i] > split) split = 0;
      if (has_no_halos) split = i;
      made_.exist[row] = true;
      made_.start[row] = split == 0;
      made_.rows[row] = all[depth];
      if (!p_.allowed.fused || depth + 1 == longest_fusion) return;
      const bool is_same = reads_same_rows(o);
      for (const std::size_t input : o.inputs) {
        const std::size_t at = last_ - input;
        if (at >= longest_fusion) continue;
        if (is_same && !is_read[at])  // compilers copy them all at once
          all[at] = all[depth];
        else
          widen(all[at], o, is_same, all[depth]);
        is_read[at] = true;
      }
    }
  }

  /// Each row of its output needs the input's row with that number.
  static constexpr bool reads_same_rows(const op& o) {
    const bool is_windowed =
        o.what == kind::conv2d || o.what == kind::max_pool || o.what == kind::average_pool;
    return !is_windowed || (o.in.height == o.out.height && o.win.kernel_height == 1 &&
                            o.win.stride_height == 1 && o.win.pad_top == 0);
  }

  /// `read` by those of a reader's `rows`, too.
  static constexpr void widen(ranges<Ranks>& read, const op& reader, bool is_same,
                              const ranges<Ranks>& rows) {
    for (std::size_t r = 0; r < Ranks; ++r) {
      range needed{rows.begin[r], rows.end[r]};
      if (needed.end <= needed.begin) continue;
      if (!is_same) needed = input_rows(reader.win, needed, reader.in.height);
      if (read.end[r] > read.begin[r]) needed = hull({read.begin[r], read.end[r]}, needed);
      read.begin[r] = needed.begin, read.end[r] = needed.end;
    }
  }

  /// No better than replicated.
  static constexpr bool is_all(ranges<Ranks> rows, std::size_t height) {
    for (std::size_t r = 0; r < Ranks; ++r)
      if (rows.end[r] > rows.begin[r] && rows.end[r] - rows.begin[r] != height) return false;
    return true;
  }

  /// What an operator makes beyond its own share takes longer than fetching that from the neighbours, so the
  /// segment better begins behind it.
  constexpr bool is_cheaper_exchanged(std::size_t depth, std::size_t set, ranges<Ranks> with_halos,
                                      ranges<Ranks> behind) const {
    const cuts &own = *before_[depth], &next = *before_[depth - 1];
    ranges<Ranks> without = own.of_set[set];
    const op& o = p_.ops[last_ - depth];
    const op& reader = p_.ops[last_ - depth + 1];
    // Behind an exchange a pooling is not free any more.
    const bool is_free = is_channelwise(reader) && !is_weighted(reader);
    double together = 0, alone = 0, lost = 0;
    std::size_t most = 0;
    for (std::size_t r = 0; r < Ranks; ++r) {
      const std::size_t own_rows = without.end[r] - without.begin[r];
      const std::size_t all_rows = with_halos.end[r] - with_halos.begin[r];
      if (all_rows == 0 && own_rows == 0) continue;
      const double row = own.row_seconds[r];
      const double one = static_cast<double>(own_rows) * row, all = static_cast<double>(all_rows) * row;
      if (one > alone) alone = one;
      if (all > together) together = all;
      if (all_rows > own_rows && all_rows - own_rows > most) most = all_rows - own_rows;
      if (!is_free) continue;
      const double again = next.row_seconds[r] * static_cast<double>(behind.end[r] - behind.begin[r]);
      if (again > lost) lost = again;
    }
    const double floats = static_cast<double>(most * o.out.width * o.out.channels);
    return together - alone > lost + 2 * p_.dearest_message + floats * p_.dearest_per_float;
  }

  const problem<Operators, Ranks>& p_;
  std::size_t last_;
  const cuts* const (&before_)[longest_fusion];
  strips<Ranks, Most> made_{};
};

}  // namespace iop::planner
