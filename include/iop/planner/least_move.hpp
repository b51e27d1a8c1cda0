// SPDX-License-Identifier: MIT
#pragma once

// What bringing a value to where it is needed takes at least, whatever the route: counted of one rank,
// without looking at the messages. Floats are of one column of the tensor; `per_float` are the seconds of a
// row of them. Compilers count and find bits at once by their own functions, but interpret those of <bit>.

#include <iop/planner/layout_table.hpp>
#include <iop/planner/problem.hpp>

#include <cstddef>

namespace iop::planner {

template <std::size_t Operators, std::size_t Ranks>
class least_move {
 public:
  using known = known_layout<Ranks>;

  constexpr least_move() = default;
  constexpr least_move(const problem<Operators, Ranks>& p, std::size_t tensor)
      : message_(p.least_message),
        per_float_(static_cast<double>(p.ops[tensor].out.width) * p.least_per_float),
        are_alike_(p.are_alike),
        extent_(p.ops[tensor].out) {}

  /// Of a value that an operator makes and an exchange moves: what is cut is held once.
  constexpr double seconds(const known& source, const known& needed) const {
    const rank_set lacking = needed.held.of.ranks & ~source.held.of.ranks;
    if (source.held.is_partial) return summed(source, needed, lacking);
    if (source.count == 1 && lacking != 0) return from_one(source, needed, lacking);
    return from_several(source, needed, lacking);
  }

  /// No route takes longer than `seconds` says either: one rank sends equal devices what they need.
  constexpr bool is_exact(const known& source, const known& needed) const {
    return are_alike_ && source.count == 1 && source.is_everywhere &&
           !(needed.all_rows && needed.all_channels) && (needed.held.of.ranks & ~source.held.of.ranks) != 0;
  }

  /// Sending the ranks that need it what they need, all but the one that needs the most, from one rank that
  /// makes or sums it; 0 where others may help.
  constexpr double spreading_seconds(const known& needed) const {
    if (needed.all_rows && needed.all_channels) return 0;
    return (needed.count - 1) * message_ + (needed.floats - needed.most) * per_float_;
  }

  /// Of the rank that needs the least, without the message.
  constexpr double least_sending(const known& needed) const { return needed.least * per_float_; }

  /// However it comes, also on the way to other ranks or operators.
  constexpr double received_seconds(const known& source, const known& needed) const {
    const layout<Ranks>&held = source.held.of, &wanted = needed.held.of;
    const rank_set lacking = wanted.ranks & ~held.ranks;
    const bool is_summed = source.held.is_partial && source.count > 1;
    const std::size_t rank = lacking != 0 ? lowest(lacking) : needed.second;
    const std::size_t rows = wanted.rows.end[rank] - wanted.rows.begin[rank];
    const std::size_t channels = wanted.channels.end[rank] - wanted.channels.begin[rank];
    double most = static_cast<double>(rows * channels);
    if (!is_summed) most -= kept(held, wanted, rank);
    if (most <= 0) return 0;
    if (lacking != 0 && !is_summed) {
      // All that ranks without anything need must leave those that have it.
      ranges<Ranks> cut = needed.all_rows ? wanted.channels : wanted.rows;
      std::size_t sent = 0, at = 0;
      for (std::size_t r = 0; r < Ranks; ++r) {
        if ((lacking >> r & 1) == 0 || cut.end[r] <= at) continue;
        sent += cut.end[r] - (cut.begin[r] > at ? cut.begin[r] : at);
        at = cut.end[r];
      }
      const double leaving = static_cast<double>(sent * (needed.all_rows ? rows : channels)) / source.count;
      if (leaving > most) most = leaving;
    }
    return message_ + most * per_float_;
  }

  /// However it comes, to a rank that does not depend on the source.
  constexpr double missing_seconds(const known& source, const known& needed) const {
    double floats = floats_of(needed.held.of, needed.second);
    if (!source.held.is_partial || source.count == 1)
      floats -= kept(source.held.of, needed.held.of, needed.second);
    return floats > 0 ? message_ + floats * per_float_ : 0;
  }

 private:
  static constexpr double floats_of(const layout<Ranks>& of, std::size_t rank) {
    return static_cast<double>((of.rows.end[rank] - of.rows.begin[rank]) *
                               (of.channels.end[rank] - of.channels.begin[rank]));
  }
  /// The most of what a rank needs that it can have.
  static constexpr double kept(const layout<Ranks>& held, const layout<Ranks>& wanted, std::size_t rank) {
    const std::size_t rows = wanted.rows.end[rank] - wanted.rows.begin[rank];
    const std::size_t channels = wanted.channels.end[rank] - wanted.channels.begin[rank];
    const std::size_t held_rows = held.rows.end[rank] - held.rows.begin[rank];
    const std::size_t held_channels = held.channels.end[rank] - held.channels.begin[rank];
    return static_cast<double>((held_rows < rows ? held_rows : rows) *
                               (held_channels < channels ? held_channels : channels));
  }
  static constexpr std::size_t lowest(rank_set set) { return static_cast<std::size_t>(__builtin_ctz(set)); }
  /// Messages that bring `parts` pieces together where each may bring all that its sender has got so far.
  static constexpr double least_messages(int parts) {
    double messages = 0;
    for (int reached = 1; reached < parts; reached *= 2) messages += 1;
    return messages;
  }

  /// Shards of a tensor that ranks scatter: how many of `count` get something, and by how many floats (of one
  /// column) one may be larger than the mean.
  struct shards {
    int count;
    double excess;
  };
  constexpr shards shards_of(int count) const {
    const bool by_rows = extent_.height >= static_cast<std::size_t>(count);
    const std::size_t length = by_rows ? extent_.height : extent_.channels;
    return {length < static_cast<std::size_t>(count) ? static_cast<int>(length) : count,
            static_cast<double>(by_rows ? extent_.channels : extent_.height)};
  }

  constexpr double summed(const known& source, const known& needed, rank_set lacking) const {
    const rank_set sources = source.held.of.ranks;
    const std::size_t rank = lacking != 0 ? lowest(lacking) : needed.second;
    const double floats = floats_of(needed.held.of, rank);
    const double others = source.count - (has(sources, rank) ? 1 : 0);
    const double direct = others * (message_ + floats * per_float_);
    if (needed.all_rows && needed.all_channels) {  // or summed in shards, which are gathered again
      const double holding = source.count;
      shards parts = shards_of(source.count);
      const double gathering = needed.count > 3 ? least_messages(parts.count) : parts.count - 1;
      const double gathered =
          floats - floats / holding - ((sources & ~needed.held.of.ranks) != 0 ? parts.excess : 0);
      const double scattered =
          (holding - 1 + gathering) * message_ +
          ((holding - 1) / holding * floats + (gathered > 0 ? gathered : 0)) * per_float_;
      return direct < scattered ? direct : scattered;
    }
    const double sent = spreading_seconds(needed);
    return direct > sent ? direct : sent;
  }

  constexpr double from_one(const known& source, const known& needed, rank_set lacking) const {
    const bool is_source_served = lacking != needed.held.of.ranks;
    const double messages = needed.count - (is_source_served ? 1 : 0);
    const double sent = needed.floats - (is_source_served ? floats_of(needed.held.of, source.second) : 0);
    const double direct = messages * message_ + sent * per_float_;
    if (!needed.all_rows || !needed.all_channels || needed.count < 3) return direct;
    // Or scattered and gathered again.
    const double floats = floats_of(needed.held.of, lowest(lacking));
    shards parts = shards_of(needed.count);
    if (parts.count < needed.count) {
      const double once = message_ + floats * per_float_;
      return direct < once ? direct : once;
    }
    const double rest = floats - floats / needed.count - parts.excess;
    const double scattered =
        (messages + 2) * message_ + (floats + (rest > 0 ? rest : 0) * (1 - 1 / messages)) * per_float_;
    return direct < scattered ? direct : scattered;
  }

  constexpr double from_several(const known& source, const known& needed, rank_set lacking) const {
    const layout<Ranks>&held = source.held.of, &wanted = needed.held.of;
    const bool all_whole = needed.all_rows && needed.all_channels;
    // A rank in the middle has two neighbours: what it receives, and what a holder sends, in the mean.
    const std::size_t rank = lacking != 0 ? lowest(lacking) : needed.second;
    const double holding = source.count;
    double messages = 1, received = floats_of(wanted, rank);
    double sent_messages = 0, sent = 0;
    if (lacking == 0) {
      received -= kept(held, wanted, rank);
      messages =
          (wanted.rows.begin[rank] < held.rows.begin[rank]) + (wanted.rows.end[rank] > held.rows.end[rank]);
      if (messages == 0 && received > 0) messages = 1;
    } else if (!all_whole) {
      const auto receivers = static_cast<double>(count_of(lacking));
      sent_messages = receivers / holding;
      sent = receivers * needed.least / holding;
    }
    // Who needs the whole of a dimension that is cut gets something from every holder.
    if ((!source.all_rows && needed.all_rows) || (!source.all_channels && needed.all_channels)) {
      messages = all_whole && needed.count > 3 ? least_messages(source.count)
                                               : holding - (has(held.ranks, rank) ? 1 : 0);
      if (!all_whole && needed.count > 1) {
        sent_messages = needed.count - 1;
        sent = (needed.floats - needed.most) / holding;
      }
    }
    const double receiving = messages * message_ + received * per_float_;
    const double sending = sent_messages * message_ + sent * per_float_;
    return receiving > sending ? receiving : sending;
  }

  double message_ = 0;
  double per_float_ = 0;
  bool are_alike_ = false;
  shape extent_{};
};

}  // namespace iop::planner
