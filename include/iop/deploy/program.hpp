// SPDX-License-Identifier: MIT
#pragma once

// One rank's part of a plan as a constant list of steps with all offsets worked out: which kernel on which
// stretch of the arena, which bytes to which peer. An executor only walks this list. Offsets and counts are
// in floats.

#include <iop/deploy/deployment.hpp>
#include <iop/kernel/geometry.hpp>
#include <iop/planner/footprint.hpp>

#include <cstddef>

namespace iop::deploy {

struct compute_step {
  std::size_t tensor = 0;       ///< number of the operator
  kernel::windowed geometry{};  ///< without a window only the output's size and the activation
  std::size_t in = 0;           ///< in the arena
  std::size_t out = 0;          ///< in the arena
  std::size_t weights = 0;      ///< in the weights
  std::size_t bias = 0;         ///< in the weights
  bool has_bias = false;
  bool by_winograd = false;
  std::size_t workspace = 0;  ///< in the arena, for Winograd's algorithm
  /// The slice of the operator's weights that this rank holds.
  range output_channels{};
  std::size_t first_input_channel = 0;
  bool count_padding = true;  ///< average_pool only
  response_norm response{};   ///< local_response_norm only
};

/// One input of an operator without a window, and the part of the output that it becomes; rows and width are
/// the output's.
struct operand {
  std::size_t from = 0;          ///< in the arena
  std::size_t pixel_stride = 0;  ///< of the buffer it lies in, which may hold more than is read
  std::size_t channels = 0;
  std::size_t to = 0;  ///< in the arena
};

/// Copies a box between buffers of the arena.
struct copy_step {
  kernel::extents from_extents{};
  kernel::extents to_extents{};
  std::size_t from = 0;
  std::size_t to = 0;
};

struct endpoint_step {
  std::size_t peer = 0;
  std::size_t offset = 0;
  std::size_t count = 0;
};

template <std::size_t Ranks>
struct exchange_step {
  std::size_t tensor = 0;                    ///< number of the operator whose output moves
  fixed_vector<copy_step, 2 * Ranks> packs;  ///< before sending
  fixed_vector<endpoint_step, 2 * Ranks> sends;
  fixed_vector<endpoint_step, 2 * Ranks> receives;
  fixed_vector<copy_step, 2 * Ranks + 1> unpacks;  ///< after receiving
  fixed_vector<std::size_t, Ranks> terms;          ///< offsets of the summands, in rank order
  std::size_t sum = 0;                             ///< offset of their sum
  std::size_t sum_count = 0;
  kernel::activation_function act{};  ///< of the sum
};

template <std::size_t Ranks>
struct program_step {
  std::size_t number = 0;  ///< of the step in the plan's schedule; equal on all ranks
  bool is_exchange = false;
  compute_step compute{};
  fixed_vector<operand, 4> operands{};  ///< of operators without a window
  exchange_step<Ranks> exchange{};
};

template <std::size_t Operators, std::size_t Ranks>
struct program {
  fixed_vector<program_step<Ranks>, planner::schedule<Operators, Ranks>::most_steps> steps;
  std::size_t arena_floats = 0;
  std::size_t weight_floats = 0;
  std::size_t input = 0;  ///< offset of the network's input, on the rank where it starts
  std::size_t input_count = 0;
  std::size_t output = 0;  ///< offset of the result, on the rank where it ends
  std::size_t output_count = 0;
};

constexpr bool has_window(const op& o) {
  return is_weighted(o) || o.what == kind::max_pool || o.what == kind::average_pool;
}

/// Local geometry of an operator: a box of its output from the buffer of a box of its input.
constexpr kernel::windowed local_geometry(const op& o, const box& in, const box& held, const box& out) {
  kernel::windowed g;
  g.in = {held.rows.size(), o.in.width, in.channels.size(), held.channels.size()};
  g.out = kernel::compact(out.rows.size(), o.out.width, out.channels.size());
  g.kernel_height = o.win.kernel_height;
  g.kernel_width = o.win.kernel_width;
  g.stride_height = o.win.stride_height;
  g.stride_width = o.win.stride_width;
  g.dilation_height = o.win.dilation_height;
  g.dilation_width = o.win.dilation_width;
  g.top = static_cast<std::ptrdiff_t>(out.rows.begin * o.win.stride_height) -
          static_cast<std::ptrdiff_t>(o.win.pad_top + held.rows.begin);
  g.left = -static_cast<std::ptrdiff_t>(o.win.pad_left);
  g.groups = o.groups == 1 ? 1 : out.channels.size() / channel_unit(o);
  return g;
}

constexpr kernel::activation_function activation_of(const op& o) { return {o.act, o.slope}; }

template <std::size_t Operators, std::size_t Ranks>
class program_builder {
 public:
  using schedule = planner::schedule<Operators, Ranks>;
  using arena = planner::arena<Operators, Ranks>;

  constexpr program_builder(op_list ops, const plan<Operators, Ranks>& p, std::size_t rank,
                            const schedule& all, const arena& layout)
      : ops_(ops), plan_(p), rank_(rank), all_(all), layout_(layout) {}
  constexpr program_builder(op_list ops, const plan<Operators, Ranks>& p, std::size_t rank,
                            const schedule& all)
      : program_builder(ops, p, rank, all, planner::lay_out(ops, p, all, rank)) {}
  constexpr program_builder(op_list ops, const plan<Operators, Ranks>& p, std::size_t rank)
      : program_builder(ops, p, rank, planner::spell_out(ops, p)) {}

  constexpr program<Operators, Ranks> build() {
    made_.arena_floats = layout_.floats;
    for (std::size_t i = 0; i < all_.steps.size(); ++i) {
      const planner::step& s = all_.steps[i];
      if (s.is_exchange)
        exchange(i, s);
      else if (s.tensor == 0)
        input(s);
      else
        compute(i, s);
    }
    if (rank_ == plan_.ends.output_rank) {
      made_.output = layout_.offsets[all_.steps.back().output];
      made_.output_count = ops_.back().out.size();
    }
    made_.weight_floats = next_weight_ > 0 ? next_weight_ + planner::alignment_floats : 0;
    return made_;
  }

 private:
  constexpr std::size_t width_of(const planner::step& s) const { return ops_[s.tensor].out.width; }

  constexpr void input(const planner::step& s) {
    if (rank_ != plan_.ends.input_rank) return;
    made_.input = layout_.offsets[s.output];
    made_.input_count = ops_[0].out.size();
  }

  constexpr void compute(std::size_t index, const planner::step& s) {
    const op& o = ops_[s.tensor];
    const decision<Ranks>& d = plan_.decisions[s.tensor];
    const box &out = all_.result(s).boxes[rank_], &held = all_.source(s).boxes[rank_];
    if (out.empty()) return;
    const box in = input_box(o, d, rank_);
    program_step<Ranks> next;
    next.number = index;
    compute_step& c = next.compute;
    c.tensor = s.tensor;
    c.out = layout_.offsets[s.output];
    if (has_window(o)) {
      c.geometry = local_geometry(o, in, held, out);
      c.in = layout_.offsets[s.inputs[0]] + (in.channels.begin - held.channels.begin);
      c.count_padding = o.count_padding;
    } else {
      c.geometry.out = kernel::compact(out.rows.size(), o.out.width, out.channels.size());
      c.response = o.response;
      for (std::size_t i = 0; i < s.inputs.size(); ++i) join(next, o, s, i);
    }
    // On a partial sum the activation waits for the reduction.
    if (!all_.result(s).is_partial) c.geometry.act = activation_of(o);
    const planner::weight_place w = planner::place_weights(o, d, rank_, next_weight_);
    next_weight_ = w.end;
    c.weights = w.weights;
    c.bias = w.bias;
    c.has_bias = w.has_bias;
    c.by_winograd = has(d.winograd, rank_);
    c.workspace = layout_.staging[index];
    c.output_channels = out.channels;
    c.first_input_channel = o.groups == 1 ? in.channels.begin : 0;
    made_.steps.push_back(next);
  }

  constexpr void join(program_step<Ranks>& next, const op& o, const planner::step& s, std::size_t i) const {
    const box in = input_box(o, plan_.decisions[s.tensor], rank_, i);
    if (in.empty()) return;  // a concat's shard may need nothing of an input
    const box &held = all_.values[s.inputs[i]].boxes[rank_], &out = all_.result(s).boxes[rank_];
    std::size_t to = next.compute.out;
    if (o.what == kind::concat) to += o.parts[i].begin + in.channels.begin - out.channels.begin;
    next.operands.push_back({layout_.offsets[s.inputs[i]] + offset_of(in, held, o.out.width),
                             held.channels.size(), in.channels.size(), to});
  }

  constexpr kernel::extents extents_of(const box& b, std::size_t width, std::size_t pixel_stride) const {
    return {b.rows.size(), width, b.channels.size(), pixel_stride};
  }

  constexpr void exchange(std::size_t index, const planner::step& s) {
    const auto &from = all_.source(s), &to = all_.result(s);
    const std::size_t width = width_of(s), staging = layout_.staging[index];
    const std::size_t source = layout_.offsets[s.inputs[0]], target = layout_.offsets[s.output];
    const box &held = from.boxes[rank_], &wanted = to.boxes[rank_];
    const auto part = planner::part_of(from, to, width, rank_);

    program_step<Ranks> next;
    next.number = index;
    next.is_exchange = true;
    exchange_step<Ranks>& e = next.exchange;
    e.tensor = s.tensor;

    const auto pack = [&](const planner::transfer& t) {
      const std::size_t offset = staging + t.offset;
      for (const copy_step& earlier : e.packs)
        if (earlier.to == offset) return offset;
      e.packs.push_back({extents_of(t.piece, width, held.channels.size()),
                         extents_of(t.piece, width, t.piece.channels.size()),
                         source + offset_of(t.piece, held, width), offset});
      return offset;
    };
    const auto place = [&](const planner::transfer& t) {
      return t.is_staged ? pack(t) : source + offset_of(t.piece, held, width);
    };
    for (const planner::transfer& t : part.sends)
      e.sends.push_back({t.peer, place(t), element_count(t.piece, width)});
    for (const planner::transfer& t : part.receives) {
      const std::size_t offset =
          t.is_staged ? staging + t.offset : target + offset_of(t.piece, wanted, width);
      e.receives.push_back({t.peer, offset, element_count(t.piece, width)});
      if (t.is_staged && !from.is_partial)
        e.unpacks.push_back({extents_of(t.piece, width, t.piece.channels.size()),
                             extents_of(t.piece, width, wanted.channels.size()), offset,
                             target + offset_of(t.piece, wanted, width)});
    }
    if (from.is_partial && !wanted.empty()) {
      std::size_t received = 0;
      for (std::size_t r = 0; r < Ranks; ++r) {
        if (from.boxes[r].empty()) continue;
        e.terms.push_back(r == rank_ ? place(part.own) : e.receives[received++].offset);
      }
      e.sum = target;
      e.sum_count = element_count(wanted, width);
      e.act = activation_of(ops_[s.tensor]);
    }
    if (!from.is_partial) keep_own(e, held, wanted, width, source, target);
    if (!e.sends.empty() || !e.receives.empty() || !e.unpacks.empty() || !e.terms.empty())
      made_.steps.push_back(next);
  }

  /// What a rank already holds moves to its new place, unless it lies there already.
  constexpr void keep_own(exchange_step<Ranks>& e, const box& held, const box& wanted, std::size_t width,
                          std::size_t source, std::size_t target) const {
    const box kept = intersect(held, wanted);
    if (kept.empty()) return;
    const std::size_t from = source + offset_of(kept, held, width),
                      to = target + offset_of(kept, wanted, width);
    if (from == to && held.channels == wanted.channels) return;
    if (from == to && is_contiguous(kept, held, width) && is_contiguous(kept, wanted, width)) return;
    e.unpacks.push_back({extents_of(kept, width, held.channels.size()),
                         extents_of(kept, width, wanted.channels.size()), from, to});
  }

  op_list ops_;
  const plan<Operators, Ranks>& plan_;
  std::size_t rank_;
  schedule all_;
  arena layout_;
  program<Operators, Ranks> made_{};
  std::size_t next_weight_ = 0;
};

template <deployment D, std::size_t Rank>
constexpr auto build_program() {
  constexpr std::size_t operators = D::plan.operators(), ranks = D::plan.ranks();
  if constexpr (Rank < ranks && problem_with<D>.empty()) {
    using spelled = planner::spelled<D::network::spec, D::plan>;
    return program_builder<operators, ranks>(D::network::spec.list(), D::plan, Rank, spelled::steps,
                                             spelled::template layout<Rank>)
        .build();
  } else {
    return program<operators, ranks>{};
  }
}

/// The program of one rank of a deployment, as a constant; empty when that cannot be, so that the compiler
/// says only why.
template <deployment D, std::size_t Rank>
inline constexpr auto program_of = build_program<D, Rank>();

}  // namespace iop::deploy
