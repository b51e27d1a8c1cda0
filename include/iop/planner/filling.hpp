// SPDX-License-Identifier: MIT
#pragma once

// Plans of last resort, however slow: rows up to some operator, then output channels, with weights in
// proportion to the room that each device has for them. Other cuts are balanced by speed, so that a quick
// device with little memory can make all of them too large.

#include <iop/planner/baselines.hpp>
#include <iop/planner/best_plan.hpp>
#include <iop/planner/footprint.hpp>

#include <array>
#include <cstddef>

namespace iop::planner {

template <std::size_t Operators, std::size_t Ranks>
class filling {
 public:
  constexpr filling(op_list ops, const cluster<Ranks>& c, endpoints ends)
      : ops_(ops), devices_(c), ends_(ends) {}

  using plan_type = plan<Operators, Ranks>;
  using room_list = std::array<double, Ranks>;

  /// How many there are: rows for no operator, or for those that hold up to a 1024th, a 512th, … half of all
  /// weights; channels in steps that suit the devices, or one by one.
  static constexpr std::size_t count = 2 * 11;
  /// What else a device holds changes little with the cuts: a plan that is balanced by speed says it, another
  /// is nearer.
  static constexpr int rounds = 2;

  /// It is the same as the one before it.
  constexpr bool is_repeated(std::size_t number) const {
    return number > 1 && first_of(number / 2) == first_of(number / 2 - 1);
  }

  constexpr plan_type balanced_by_speed(std::size_t number) const {
    return cut_from(first_of(number / 2), devices_);
  }
  /// Bytes that a rank, which holds so much, has for the weights that are cut by output channel.
  constexpr double room_in(std::size_t number, const plan_type& made, const footprint& held,
                           std::size_t rank) const {
    std::size_t taken = held.bytes();
    for (std::size_t i = first_of(number / 2); i < ops_.size(); ++i)
      taken -= place_weights(ops_[i], made.decisions[i], rank, 0).end * sizeof(float);
    const std::size_t has = devices_.devices[rank].memory.bytes;
    return has > taken ? static_cast<double>(has - taken) : 1;
  }
  constexpr plan_type balanced_by(std::size_t number, const room_list& room) const {
    cluster<Ranks> as_quick_as_roomy = devices_;
    for (std::size_t r = 0; r < Ranks; ++r) {
      device& d = as_quick_as_roomy.devices[r];
      d.compute = {room[r]}, d.memory_bandwidth = {room[r]};
      d.winograd = d.depthwise = d.narrow = {};
      if (number % 2 == 1) d.channel_step = 1;
    }
    return cut_from(first_of(number / 2), as_quick_as_roomy);
  }

  constexpr void offer_to(best_plan<Operators, Ranks>& best) const {
    for (std::size_t number = 0; number < count; ++number) {
      if (is_repeated(number)) continue;
      plan_type made = fit_winograd(ops_, devices_, balanced_by_speed(number));
      for (int round = 0; round < rounds; ++round) {
        const auto all = spell_out(ops_, made);
        room_list room{};
        for (std::size_t r = 0; r < Ranks; ++r)
          room[r] = room_in(number, made, footprint_of(ops_, made, all, r), r);
        made = fit_winograd(ops_, devices_, balanced_by(number, room));
      }
      best.offer(made);
    }
  }

 private:
  constexpr std::size_t first_of(std::size_t halving) const {
    if (halving == 0) return 1;
    std::size_t all = 0;
    for (const op& o : ops_) all += parameter_count(o);
    return end_of(all >> (count / 2 - halving));
  }

  /// Of the operators that hold at most so many parameters.
  constexpr std::size_t end_of(std::size_t parameters) const {
    std::size_t end = 1, held = 0;
    while (end < ops_.size() && has_rows(ops_[end]) && (held += parameter_count(ops_[end])) <= parameters)
      ++end;
    return end;
  }

  /// Output channels from `first` on.
  constexpr plan<Operators, Ranks> cut_from(std::size_t first, const cluster<Ranks>& by) const {
    planning<Operators, Ranks> rows(ops_, devices_, policy::optimal, ends_),
        channels(ops_, by, policy::optimal, ends_);
    rows.for_each_group([&](std::size_t begin, std::size_t end) {
      if (begin < first) rows.put_spatial(begin, end);
    });
    channels.made = rows.made;
    channels.for_each_group([&](std::size_t begin, std::size_t end) {
      if (begin >= first) channels.put_output_channel(begin, end);
    });
    return channels.made;
  }

  op_list ops_;
  const cluster<Ranks>& devices_;
  endpoints ends_;
};

}  // namespace iop::planner
