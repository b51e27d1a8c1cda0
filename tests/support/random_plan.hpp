// SPDX-License-Identifier: MIT
#pragma once

// Plans that no policy would make: for each operator any legal partition with any cuts, empty shares among
// them, any route and
// any form of a convolution. Half of the time an operator follows the one before without an exchange.

#include <iop/planner/shares.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>

namespace iop_test {

template <std::size_t Operators, std::size_t Ranks>
class plan_generator {
 public:
  constexpr plan_generator(iop::op_list ops, std::uint64_t seed) : ops_(ops), state_(seed) {}

  constexpr iop::plan<Operators, Ranks> draw() {
    made_.ends = {between(0, Ranks - 1), between(0, Ranks - 1)};
    made_.decisions[0] = iop::planner::decide_single<Ranks>(ops_[0], made_.ends.input_rank);
    for (std::size_t i = 1; i < ops_.size(); ++i) {
      made_.decisions[i] = decide(ops_[i]);
      made_.decisions[i].fetch = draw_route();
      if (has_winograd(ops_[i]))
        made_.decisions[i].winograd = static_cast<iop::rank_set>(between(0, (std::size_t{1} << Ranks) - 1));
    }
    made_.deliver = draw_route();
    return made_;
  }

 private:
  using share_list = iop::planner::share_list<Ranks>;
  using partition = iop::partition;

  constexpr std::size_t between(std::size_t low, std::size_t high) {
    state_ = state_ * 6364136223846793005u + 1442695040888963407u;
    return low + static_cast<std::size_t>(state_ >> 33) % (high - low + 1);
  }
  constexpr bool one_in(std::size_t n) { return between(1, n) == 1; }
  constexpr iop::route draw_route() { return iop::all_routes[between(0, std::size(iop::all_routes) - 1)]; }

  constexpr share_list cuts(std::size_t total, std::size_t unit) {
    std::size_t at[Ranks + 1]{};
    at[Ranks] = total;
    for (std::size_t i = 1; i < Ranks; ++i) at[i] = between(0, total / unit) * unit;
    std::sort(at, at + Ranks + 1);
    share_list shares{};
    for (std::size_t r = 0; r < Ranks; ++r)
      if (at[r] < at[r + 1]) shares[r] = {at[r], at[r + 1]};
    return shares;
  }

  constexpr share_list rows_of(const iop::op& o) {
    share_list rows = cuts(o.out.height, 1);
    for (iop::range& share : rows)  // some are computed twice
      if (!share.empty() && one_in(4)) share.end = std::min(share.end + between(1, 2), o.out.height);
    return rows;
  }

  constexpr iop::decision<Ranks> decide(const iop::op& o) {
    const bool by_channel = o.what != iop::kind::softmax;
    const auto& before = made_.decisions[o.inputs[0]];
    if (before.how == partition::output_channel && one_in(2)) {
      const bool is_cut_alike = ops_[o.inputs[0]].out.channels == o.in.channels && o.out.height > 0;
      share_list shares{};
      std::copy(before.shares, before.shares + Ranks, shares.begin());
      if (is_cut_alike && has_partial_sums(o)) return iop::planner::decide(partition::input_channel, shares);
      if (is_channelwise(o) && !is_depthwise(o))
        return iop::planner::decide(partition::output_channel, shares);
    }
    for (;;) {
      switch (between(0, 5)) {
        case 0:
          return iop::planner::decide_single<Ranks>(o, between(0, Ranks - 1));
        case 1: {
          auto d = iop::planner::decide_replicated<Ranks>(o);
          const std::size_t kept = between(0, Ranks - 1);
          for (std::size_t r = 0; r < Ranks; ++r)
            if (r != kept && one_in(3)) d.shares[r] = {};
          return d;
        }
        case 2:
        case 3:
          if (!by_channel) break;
          return iop::planner::decide(partition::output_channel, cuts(o.out.channels, channel_unit(o)));
        case 4:
          if (!has_partial_sums(o)) break;
          return iop::planner::decide(partition::input_channel, cuts(o.in.channels, 1));
        default:
          if (!has_rows(o)) break;
          return iop::planner::decide(partition::spatial, rows_of(o));
      }
    }
  }

  iop::op_list ops_;
  std::uint64_t state_;
  iop::plan<Operators, Ranks> made_{};
};

template <std::size_t Operators, std::size_t Ranks>
constexpr iop::plan<Operators, Ranks> random_plan(iop::op_list ops, std::uint64_t seed) {
  return plan_generator<Operators, Ranks>(ops, seed * 0x9e3779b97f4a7c15u + 1).draw();
}

}  // namespace iop_test
