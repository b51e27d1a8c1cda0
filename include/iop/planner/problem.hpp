// SPDX-License-Identifier: MIT
#pragma once

// What all steps of a search look at: the network, the devices, what may be used, and what follows from these
// once and for all.

#include <iop/planner/arena.hpp>
#include <iop/planner/cost.hpp>
#include <iop/planner/member_sets.hpp>
#include <iop/planner/spine.hpp>

#include <algorithm>
#include <cstddef>
#include <limits>

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
  bool any_memory = false;     ///< devices hold whatever they are given
};

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
  bool has_forms = false;             ///< some device has Winograd's algorithm
  fixed_vector<rank_set, 64> sets{};  ///< of two and more devices
  /// Who may use Winograd's algorithm: with tight memory nobody, or those with the most memory.
  fixed_vector<rank_set, Ranks + 1> winograd_sets{};
  std::size_t last_use[Operators]{};       ///< the last operator that reads each tensor
  double least_message = 0;                ///< seconds that any message takes at least
  double least_per_float = 0;              ///< seconds that sending a float takes at least
  double dearest_message = 0;              ///< seconds that any message takes at most
  double dearest_per_float = 0;            ///< seconds that sending a float takes at most
  double speed[Ranks]{};                   ///< FLOP/s
  double least_flops_behind[Operators]{};  ///< work that remains behind each operator, see bound.hpp
  /// Floats of weights that the operators behind each add on all devices together, at least.
  std::size_t least_weights_behind[Operators]{};
  /// The last operator before that is like each and reads tensors of the same shapes, as those of repeated
  /// blocks do; or 0.
  std::size_t twin[Operators]{};
  /// The operator behind whose twin each is, if the next ones on the spine are twins likewise: what gets from
  /// one to the next takes the same there; or 0.
  std::size_t moves_like[Operators]{};
  spine<Operators> main_path{};
};

/// What a weighted operator takes at least, however it is cut, of the operations that a device's `compute`
/// counts: on the device that it suits best.
template <std::size_t Ranks>
constexpr double least_effort(const cluster<Ranks>& c, const op& o) {
  double least = std::numeric_limits<double>::infinity();
  const double taps = 2.0 * static_cast<double>(multiply_adds(o, o.out.height * o.out.width, o.out.channels,
                                                              channels_read(o)));
  for (const device& d : c.devices) {
    double seconds = work_of(d, o, whole(o.in), whole(o.out)).flops / rate_of(d, o, false).flops_per_second;
    if (has_winograd(o) && d.winograd.flops_per_second > 0)
      seconds = std::min(seconds, taps / d.winograd.flops_per_second);
    least = std::min(least, d.compute.flops_per_second * seconds);
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

/// Some device cannot hold everything, in whichever form takes more.
template <std::size_t Ranks>
constexpr bool memory_binds(op_list ops, const cluster<Ranks>& c) {
  bool has_forms = false;
  for (const device& d : c.devices) has_forms |= d.winograd.flops_per_second > 0;
  std::size_t largest = 0, everything = 0, workspace = 0;
  for (const op& o : ops) {
    largest = std::max(largest, o.out.size());
    everything += 2 * alignment_floats + parameter_count(o);
    if (!has_forms || !has_winograd(o)) continue;
    everything += winograd_weight_count(o.out.channels, o.in.channels) -
                  weight_count(o, o.out.channels, channels_read(o));
    workspace = std::max(workspace,
                         most_winograd_workspace(o.out.height, o.out.width, o.in.channels, o.out.channels));
  }
  // Six copies of the largest tensor hold all that is alive at once, staging and a skip included.
  everything += alignment_floats + (6 + Ranks) * (largest + alignment_floats) + workspace;
  for (const device& d : c.devices)
    if (d.memory.bytes < everything * sizeof(float)) return true;
  return false;
}

constexpr std::size_t twin_of(op_list ops, std::size_t index) {
  op own = ops[index];
  for (std::size_t i = index; i-- > 1;) {
    if (ops[i].what != own.what || ops[i].out != own.out || ops[i].in != own.in ||
        ops[i].inputs.size() != own.inputs.size())
      continue;
    op other = ops[i];
    bool reads_alike = true;
    for (std::size_t k = 0; k < own.inputs.size(); ++k)
      reads_alike = reads_alike && ops[other.inputs[k]].out == ops[own.inputs[k]].out;
    other.inputs = own.inputs;
    if (reads_alike && other == own) return i;
  }
  return 0;
}

/// On the spine, what an operator makes gets to the next one as what its twin makes does.
template <std::size_t Operators, std::size_t Ranks>
constexpr bool moves_as_twin(const problem<Operators, Ranks>& p, std::size_t i) {
  const spine<Operators>& path = p.main_path;
  const std::size_t twin = p.twin[i], next = path.next[i];
  if (twin == 0 || next == 0 || !path.has[i] || !path.has[twin] || p.twin[next] != path.next[twin] ||
      path.is_read_before[i] != path.is_read_before[twin])
    return false;
  op reader = p.ops[next], other = p.ops[path.next[twin]];
  for (std::size_t k = 0; k < reader.inputs.size(); ++k)
    if ((reader.inputs[k] == i) != (other.inputs[k] == twin)) return false;
  return true;
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
    p.sets.push_back(first_ranks(Ranks));
  for (std::size_t i = 0; i < ops.size(); ++i) {
    p.twin[i] = twin_of(ops, i);
    for (const std::size_t input : ops[i].inputs) {
      p.last_use[input] = i;
      p.has_branches = p.has_branches || ops[i].inputs.size() > 1;
    }
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

  for (std::size_t r = 0; r < Ranks; ++r) p.speed[r] = c.devices[r].compute.flops_per_second;

  // No device is served worse by a byte than this share of its FLOPs.
  double flops_per_byte = 0;
  for (std::size_t r = 0; r < Ranks; ++r) {
    const double f = c.devices[r].compute.flops_per_second / c.devices[r].memory_bandwidth.bytes_per_second;
    flops_per_byte = r == 0 ? f : std::min(flops_per_byte, f);
  }
  for (const device& d : c.devices) p.has_forms |= d.winograd.flops_per_second > 0;
  double rest = 0;
  std::size_t weights_behind = 0;
  for (std::size_t i = ops.size(); i-- > 0;) {
    p.least_flops_behind[i] = rest;
    p.least_weights_behind[i] = weights_behind;
    const op& o = ops[i];
    if (!is_weighted(o)) continue;
    const std::size_t weights = weight_count(o, o.out.channels, channels_read(o));
    weights_behind += weights;
    rest += std::max(least_effort(c, o),
                     static_cast<double>((weights + o.out.size()) * sizeof(float)) * flops_per_byte);
  }
  p.memory_binds = !allowed.any_memory && memory_binds(ops, c);
  p.winograd_sets = winograd_sets(c, p.memory_binds);
  p.main_path = spine<Operators>(ops);
  for (std::size_t i = 0; i < ops.size(); ++i)
    if (moves_as_twin(p, i)) p.moves_like[p.twin[i]] = i;
  return p;
}

}  // namespace iop::planner
