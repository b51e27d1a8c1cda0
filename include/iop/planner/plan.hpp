// SPDX-License-Identifier: MIT
#pragma once

// The planner's result: for each operator how it is cut and which share each rank gets. Everything else (who
// sends what to whom, times, memory) follows from these decisions by the functions of this folder, so that
// nothing can contradict them. A plan is a constant of the program.

#include <iop/core/digest.hpp>
#include <iop/core/rank_set.hpp>
#include <iop/core/shape.hpp>
#include <iop/spec/operators.hpp>

#include <bit>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace iop {

enum class policy : std::uint8_t {
  single_device,
  output_channel,
  coedge,
  coedge_oc,
  fused_spatial,
  interleaved,
  optimal
};

inline constexpr policy all_policies[] = {policy::single_device, policy::output_channel, policy::coedge,
                                          policy::coedge_oc,     policy::fused_spatial,  policy::interleaved,
                                          policy::optimal};

constexpr std::string_view name_of(policy p) {
  constexpr std::string_view names[] = {"single_device", "output_channel", "coedge", "coedge_oc",
                                        "fused_spatial", "interleaved",    "optimal"};
  return names[static_cast<std::size_t>(p)];
}

/// How one operator is spread over the ranks, and what the shares of the ranks are ranges of.
enum class partition : std::uint8_t {
  single,          ///< one rank computes all of it: its share is all output channels, the others' are empty
  replicated,      ///< several ranks compute all of it
  output_channel,  ///< shares are output channels
  input_channel,   ///< shares are input channels; leaves a partial sum on every rank with a share
  spatial,         ///< shares are output rows; they may overlap where recomputing beats exchanging
};

constexpr std::string_view name_of(partition p) {
  constexpr std::string_view names[] = {"single", "replicated", "output_channel", "input_channel", "spatial"};
  return names[static_cast<std::size_t>(p)];
}

/// The algorithm by which a tensor moves from where it was made to where it is needed: of a partial sum the
/// all_reduce or reduce_scatter, otherwise the all_gather, broadcast, scatter or halo_exchange.
enum class route : std::uint8_t {
  direct,            ///< every rank sends what others need of its part to each of them: one round
  scatter_gather,    ///< each rank gets (or sums) one shard, then the shards are gathered: fewer bytes
  via_root,          ///< one rank gets (or sums) all, then sends it on: fewest messages
  doubling,          ///< shards are gathered in rounds of growing blocks: fewer messages, as many bytes
  scatter_doubling,  ///< scatter_gather whose gathering is by doubling
};

inline constexpr route all_routes[] = {route::direct, route::scatter_gather, route::via_root, route::doubling,
                                       route::scatter_doubling};

constexpr std::string_view name_of(route r) {
  constexpr std::string_view names[] = {"direct", "scatter_gather", "via_root", "doubling",
                                        "scatter_doubling"};
  return names[static_cast<std::size_t>(r)];
}

template <std::size_t Ranks>
struct decision {
  partition how = partition::single;
  route fetch = route::direct;  ///< of the inputs that are not already where they are needed
  range shares[Ranks]{};
  rank_set winograd = 0;  ///< ranks that compute it by Winograd's algorithm: faster, with larger weights

  friend constexpr bool operator==(const decision&, const decision&) = default;
};

/// Where the input is at the start of an inference and where the result is wanted.
struct endpoints {
  std::size_t input_rank = 0;
  std::size_t output_rank = 0;
  friend constexpr bool operator==(const endpoints&, const endpoints&) = default;
};

/// A plan for `Operators` operators (operator 0 is the input) on `Ranks` devices.
template <std::size_t Operators, std::size_t Ranks>
struct plan {
  policy strategy = policy::single_device;
  endpoints ends{};
  decision<Ranks> decisions[Operators]{};
  route deliver = route::direct;  ///< of the result to the output rank

  static constexpr std::size_t operators() { return Operators; }
  static constexpr std::size_t ranks() { return Ranks; }
  friend constexpr bool operator==(const plan&, const plan&) = default;
};

/// The part of the operator's output that a rank makes: all of it, in the case of a partial sum.
template <std::size_t Ranks>
constexpr box output_box(const op& o, const decision<Ranks>& d, std::size_t rank) {
  const range share = d.shares[rank];
  if (share.empty()) return {};
  switch (d.how) {
    case partition::spatial:
      return {share, {0, o.out.channels}};
    case partition::input_channel:
      return whole(o.out);
    default:
      return {{0, o.out.height}, share};
  }
}

/// The part of the operator's input number `input` that a rank reads.
template <std::size_t Ranks>
constexpr box input_box(const op& o, const decision<Ranks>& d, std::size_t rank, std::size_t input = 0) {
  box needed = needed_input(o, output_box(o, d, rank), input);
  if (d.how == partition::input_channel) needed.channels = d.shares[rank];
  return needed.empty() ? box{} : needed;
}

constexpr digest digest_of(op_list ops) {
  digest sum;
  for (const op& o : ops) {
    sum.add(static_cast<std::uint64_t>(o.what)).add(static_cast<std::uint64_t>(o.act)).add(o.groups);
    sum.add(o.bias).add(o.count_padding).add(o.norm).add(o.bias_from_norm);
    const response_norm& n = o.response;
    for (const float f : {o.norm_epsilon, o.slope, n.alpha, n.beta, n.k})
      sum.add(std::bit_cast<std::uint32_t>(f));
    sum.add(n.size);
    for (const range& part : o.parts) sum.add(part.begin).add(part.end);
    for (const std::size_t input : o.inputs) sum.add(input);
    for (const shape& s : {o.in, o.out}) sum.add(s.channels).add(s.height).add(s.width);
    const window& w = o.win;
    sum.add(w.kernel_height).add(w.kernel_width).add(w.stride_height).add(w.stride_width);
    sum.add(w.dilation_height).add(w.dilation_width);
    sum.add(w.pad_top).add(w.pad_bottom).add(w.pad_left).add(w.pad_right);
  }
  return sum;
}

template <std::size_t Operators, std::size_t Ranks>
constexpr digest digest_of(const plan<Operators, Ranks>& p) {
  digest sum;
  sum.add(Ranks).add(p.ends.input_rank).add(p.ends.output_rank);
  for (const auto& d : p.decisions) {
    sum.add(static_cast<std::uint64_t>(d.how)).add(static_cast<std::uint64_t>(d.fetch));
    for (const range& share : d.shares) sum.add(share.begin).add(share.end);
    sum.add(d.winograd);
  }
  sum.add(static_cast<std::uint64_t>(p.deliver));
  return sum;
}

}  // namespace iop
