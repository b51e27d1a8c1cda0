// SPDX-License-Identifier: MIT
#pragma once

// Where one rank keeps its activations: one block of memory, laid out from lifetimes. Values share a place
// when that saves a copy: a strip lies inside the strip with its halo, a received shard lands where it
// belongs, a sum replaces one of its terms. What an exchange must pack or unpack gets staging that lives for
// that step only, and so does what Winograd's algorithm transforms. Sizes are in floats.

#include <iop/planner/schedule.hpp>
#include <iop/spec/winograd.hpp>

#include <algorithm>
#include <cstddef>

namespace iop::planner {

/// Every buffer starts on a cache line.
inline constexpr std::size_t alignment_floats = 16;

constexpr std::size_t aligned(std::size_t floats) {
  return (floats + alignment_floats - 1) / alignment_floats * alignment_floats;
}

/// One end of a message: directly in a value's buffer, or in this step's staging at `offset`.
struct transfer {
  std::size_t peer = 0;
  box piece{};
  bool is_staged = false;
  std::size_t offset = 0;
};

/// One rank's part of an exchange. Of a sum, all summands of others are staged.
template <std::size_t Ranks>
struct exchange_part {
  fixed_vector<transfer, 2 * Ranks> sends;
  fixed_vector<transfer, 2 * Ranks> receives;
  transfer own{};  ///< own summand of a sum, when it must be packed
  std::size_t staging = 0;
};

template <std::size_t Ranks>
constexpr exchange_part<Ranks> part_of(const value<Ranks>& from, const value<Ranks>& to, std::size_t width,
                                       std::size_t rank) {
  exchange_part<Ranks> part;
  const auto stage = [&](transfer& t) {
    t.is_staged = true;
    t.offset = part.staging;
    part.staging += aligned(element_count(t.piece, width));
  };
  for (const message& m : messages_of(from, to, rank)) {
    if (m.from == rank) {
      transfer t{m.to, m.piece};
      if (!is_contiguous(m.piece, from.boxes[rank], width)) {
        // What goes to several peers is packed once.
        for (const transfer& earlier : part.sends)
          if (earlier.is_staged && earlier.piece == t.piece) t = {t.peer, t.piece, true, earlier.offset};
        if (!t.is_staged) stage(t);
      }
      part.sends.push_back(t);
    } else if (m.to == rank) {
      transfer t{m.from, m.piece};
      if (from.is_partial || !is_contiguous(m.piece, to.boxes[rank], width)) stage(t);
      part.receives.push_back(t);
    }
  }
  const box& result = to.boxes[rank];
  if (from.is_partial && !result.empty() && !from.boxes[rank].empty()) {
    part.own = {rank, result};
    if (!is_contiguous(result, from.boxes[rank], width)) stage(part.own);
  }
  return part;
}

/// Its result may lie on an input, element on element.
constexpr bool may_replace_input(const op& o) {
  return o.what == kind::elementwise || o.what == kind::softmax || o.what == kind::add;
}

/// What computing a rank's part takes besides inputs and result.
template <std::size_t Ranks>
constexpr std::size_t workspace_of(const op& o, const decision<Ranks>& d, std::size_t rank) {
  if (!has(d.winograd, rank)) return 0;
  const box in = input_box(o, d, rank), out = output_box(o, d, rank);
  return aligned(winograd_workspace(out.rows.size(), o.out.width, in.channels.size(), out.channels.size()));
}

template <std::size_t Operators, std::size_t Ranks>
struct arena {
  static constexpr std::size_t most = schedule<Operators, Ranks>::most_steps;
  std::size_t offsets[most]{};  ///< of each value's buffer
  std::size_t staging[most]{};  ///< of each step's staging or workspace
  std::size_t floats = 0;
  std::size_t staging_floats = 0;  ///< the largest step's: receive buffers and packing
};

template <std::size_t Operators, std::size_t Ranks>
class arena_builder {
 public:
  constexpr arena_builder(op_list ops, const plan<Operators, Ranks>& p, const schedule<Operators, Ranks>& all,
                          std::size_t rank)
      : ops_(ops), plan_(p), all_(all), rank_(rank) {}

  constexpr arena<Operators, Ranks> build() {
    find_last_uses();
    for (std::size_t i = 0; i < all_.steps.size(); ++i) share_places(i);
    find_lifetimes();
    place_blocks();
    for (std::size_t v = 0; v < all_.values.size(); ++v)
      made_.offsets[v] = blocks_[places_[v].root].offset + places_[v].offset;
    return made_;
  }

 private:
  static constexpr std::size_t most = schedule<Operators, Ranks>::most_steps;

  struct place {
    std::size_t root = 0;    ///< the value whose block this value lies in
    std::size_t offset = 0;  ///< in that block
  };
  struct block {
    std::size_t size = 0;
    std::size_t first = 0;  ///< step
    std::size_t last = 0;   ///< step
    std::size_t offset = 0;
  };

  constexpr const box& box_of(std::size_t v) const { return all_.values[v].boxes[rank_]; }
  constexpr std::size_t width_of(std::size_t v) const { return ops_[all_.values[v].tensor].out.width; }

  constexpr void find_last_uses() {
    for (std::size_t i = 0; i < all_.steps.size(); ++i) {
      const step& s = all_.steps[i];
      last_use_[s.output] = i;
      for (const std::size_t v : s.inputs) last_use_[v] = i;
    }
    last_use_[all_.steps.back().output] = all_.steps.size();
  }

  constexpr void move_all(std::size_t root, place target) {
    for (std::size_t v = 0; v < all_.values.size(); ++v)
      if (places_[v].root == root) places_[v] = {target.root, places_[v].offset + target.offset};
  }

  /// True when no value in the block is used after the step.
  constexpr bool is_dead_after(std::size_t root, std::size_t index) const {
    for (std::size_t v = 0; v < all_.values.size(); ++v)
      if (places_[v].root == root && v < index_of_next_ && last_use_[v] > index) return false;
    return true;
  }

  constexpr void replace_input(const step& s, std::size_t index) {
    if (box_of(s.output).empty()) return;
    for (const std::size_t v : s.inputs) {
      if (!(box_of(v) == box_of(s.output)) || !is_dead_after(places_[v].root, index)) continue;
      // Another input may lie in the same block, but only element on element too.
      bool lines_up = true;
      for (const std::size_t other : s.inputs)
        lines_up = lines_up && (places_[other].root != places_[v].root ||
                                (places_[other].offset == places_[v].offset && box_of(other) == box_of(v)));
      if (!lines_up) continue;
      places_[s.output] = places_[v];
      return;
    }
  }

  constexpr void share_places(std::size_t index) {
    const step& s = all_.steps[index];
    const std::size_t to = s.output;
    places_[to] = {to, 0};
    index_of_next_ = to;
    if (s.inputs.empty()) return;
    if (!s.is_exchange && may_replace_input(ops_[s.tensor])) return replace_input(s, index);
    const std::size_t from = s.inputs[0];
    const box &held = box_of(from), &wanted = box_of(to);
    if (held.empty() || wanted.empty()) return;
    const std::size_t width = width_of(to);
    if (!s.is_exchange) return;
    if (all_.values[from].is_partial) {
      if (is_contiguous(wanted, held, width) && is_dead_after(places_[from].root, index))
        places_[to] = {places_[from].root, places_[from].offset + offset_of(wanted, held, width)};
    } else if (held == wanted) {
      places_[to] = places_[from];
    } else if (wanted.contains(held) && places_[from].root == from && is_contiguous(held, wanted, width)) {
      move_all(from, {to, offset_of(held, wanted, width)});
    }
  }

  constexpr void find_lifetimes() {
    for (std::size_t i = 0; i < all_.steps.size(); ++i) {
      const std::size_t v = all_.steps[i].output;
      block& b = blocks_[places_[v].root];
      // Steps are visited in order, so the first value met opens the block.
      if (b.size == 0) b.first = i;
      const std::size_t root = places_[v].root;
      b.size = aligned(element_count(box_of(root), width_of(root)));
      b.last = std::max(b.last, last_use_[v]);
    }
    for (std::size_t i = 0; i < all_.steps.size(); ++i) {
      const step& s = all_.steps[i];
      if (!s.is_exchange) {
        blocks_[most + i] = {workspace_of(ops_[s.tensor], plan_.decisions[s.tensor], rank_), i, i, 0};
        continue;
      }
      const std::size_t size = part_of(all_.source(s), all_.result(s), width_of(s.output), rank_).staging;
      made_.staging_floats = std::max(made_.staging_floats, size);
      blocks_[most + i] = {size, i, i, 0};
    }
  }

  /// Largest first, each at the lowest offset where no block of an overlapping lifetime lies.
  constexpr void place_blocks() {
    std::size_t order[2 * most]{};
    std::size_t count = 0;
    for (std::size_t b = 0; b < 2 * most; ++b)
      if (blocks_[b].size > 0) order[count++] = b;
    std::sort(order, order + count, [&](std::size_t a, std::size_t b) {
      return blocks_[a].size != blocks_[b].size ? blocks_[a].size > blocks_[b].size : a < b;
    });
    for (std::size_t k = 0; k < count; ++k) {
      block& mine = blocks_[order[k]];
      std::size_t beside[2 * most], others = 0;  // that live when this one does
      for (std::size_t j = 0; j < k; ++j)
        if (mine.first <= blocks_[order[j]].last && blocks_[order[j]].first <= mine.last)
          beside[others++] = order[j];
      for (bool moved = true; moved;) {
        moved = false;
        for (std::size_t j = 0; j < others; ++j) {
          const block& other = blocks_[beside[j]];
          if (mine.offset < other.offset + other.size && other.offset < mine.offset + mine.size)
            mine.offset = other.offset + other.size, moved = true;
        }
      }
      made_.floats = std::max(made_.floats, mine.offset + mine.size);
    }
    for (std::size_t i = 0; i < all_.steps.size(); ++i) made_.staging[i] = blocks_[most + i].offset;
  }

  op_list ops_;
  const plan<Operators, Ranks>& plan_;
  const schedule<Operators, Ranks>& all_;
  std::size_t rank_;
  std::size_t index_of_next_ = 0;
  std::size_t last_use_[most]{};
  place places_[most]{};
  block blocks_[2 * most]{};  ///< of values, then of each step's staging
  arena<Operators, Ranks> made_{};
};

template <std::size_t Operators, std::size_t Ranks>
constexpr arena<Operators, Ranks> lay_out(op_list ops, const plan<Operators, Ranks>& p,
                                          const schedule<Operators, Ranks>& all, std::size_t rank) {
  return arena_builder<Operators, Ranks>(ops, p, all, rank).build();
}

}  // namespace iop::planner
