// SPDX-License-Identifier: MIT
#pragma once

// Small planning problems at random: a chain or a branching network of two to six operators of every kind on
// unlike devices and links, some of them shared, with any of the choices allowed. The sizes are such that
// computing, sending and the set-up of a message cost about the same, so that every kind of plan wins some.

#include <iop/planner/choices.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace iop_test {

/// Small numbers that are the same on every machine.
class draw {
 public:
  explicit draw(std::uint64_t seed) : state_(seed * 0x9e3779b97f4a7c15u + 1) {}

  std::size_t between(std::size_t low, std::size_t high) {
    state_ = state_ * 6364136223846793005u + 1442695040888963407u;
    return low + static_cast<std::size_t>(state_ >> 33) % (high - low + 1);
  }
  bool one_in(std::size_t n) { return between(1, n) == 1; }
  double real(double low, double high) {
    return low + (high - low) * static_cast<double>(between(0, 1'000'000)) * 1e-6;
  }

 private:
  std::uint64_t state_;
};

/// Operators one after the other, each legal behind those before.
class network_generator {
 public:
  explicit network_generator(draw& random) : random_(random) {}

  std::vector<iop::op> make(std::size_t count) {
    iop::op image;
    image.in = image.out = {random_.between(1, 8), random_.between(1, 12), random_.between(1, 8)};
    ops_.push_back(image);
    while (ops_.size() <= count) {
      const std::size_t room = count + 1 - ops_.size();
      if (room >= 2 && !is_flat() && random_.one_in(3))
        branch(room);
      else
        append(any(ops_.size() - 1, room == 1));
    }
    return std::move(ops_);
  }

 private:
  bool is_flat() const { return ops_.back().what == iop::kind::dense; }

  std::size_t append(const iop::op& o) {
    ops_.push_back(o);
    return ops_.size() - 1;
  }

  iop::op reading(std::size_t input, iop::kind what) const {
    iop::op o;
    o.what = what;
    o.inputs.push_back(input);
    o.in = o.out = ops_[input].out;
    return o;
  }

  void give_window(iop::op& o, bool keeps_size) {
    const auto extent = [&](std::size_t size) {
      const std::size_t most = std::min<std::size_t>(3, size);
      const std::size_t kernel = random_.between(1, most);
      return keeps_size && kernel == 2 ? std::size_t{1} : kernel;
    };
    iop::window& w = o.win;
    w.kernel_height = extent(o.in.height);
    w.kernel_width = extent(o.in.width);
    if (keeps_size || random_.one_in(2)) {
      w.pad_top = w.pad_bottom = w.kernel_height / 2;
      w.pad_left = w.pad_right = w.kernel_width / 2;
    }
    if (!keeps_size && random_.one_in(3)) w.stride_height = w.stride_width = 2;
    o.out.height =
        iop::output_extent(o.in.height, w.kernel_height, w.stride_height, 1, w.pad_top, w.pad_bottom);
    o.out.width = iop::output_extent(o.in.width, w.kernel_width, w.stride_width, 1, w.pad_left, w.pad_right);
  }

  /// Any operator on tensor `input`; one that keeps its size and number of channels on demand.
  iop::op any(std::size_t input, bool is_last, bool keeps_shape = false, bool keeps_size = false) {
    using iop::kind;
    const std::size_t pick = random_.between(0, 11);
    const iop::shape in = ops_[input].out;
    if (!keeps_shape && !keeps_size && (pick == 0 || (is_flat() && pick < 9))) {
      iop::op o = reading(input, kind::dense);
      o.win.kernel_height = in.height;
      o.win.kernel_width = in.width;
      o.out = {random_.between(1, 40), 1, 1};
      o.bias = random_.one_in(2);
      return o;
    }
    if (is_last && !keeps_shape && !keeps_size && pick == 1 && in.height * in.width == 1)
      return reading(input, kind::softmax);
    if (pick == 2) return reading(input, kind::elementwise);
    if (pick == 3 && !is_flat()) {
      iop::op o = reading(input, kind::local_response_norm);
      o.response.size = random_.between(1, 4);
      return o;
    }
    if ((pick == 4 || pick == 5) && !is_flat()) {
      iop::op o = reading(input, pick == 4 ? kind::max_pool : kind::average_pool);
      give_window(o, keeps_shape || keeps_size);
      return o;
    }
    iop::op o = reading(input, kind::conv2d);
    o.bias = random_.one_in(2);
    if (!keeps_shape) o.out.channels = random_.between(1, 16);
    if (pick == 6) o.groups = in.channels;  // depthwise
    if (pick == 7 && in.channels % 2 == 0) o.groups = 2;
    if (o.out.channels % o.groups != 0) o.out.channels = o.groups * random_.between(1, 2);
    give_window(o, keeps_shape || keeps_size);
    return o;
  }

  /// A residual block or a concatenation on the newest tensor.
  void branch(std::size_t room) {
    const std::size_t from = ops_.size() - 1;
    if (random_.one_in(2)) {
      std::size_t end = from;
      const std::size_t length = random_.between(1, std::min<std::size_t>(room - 1, 3));
      for (std::size_t k = 0; k < length; ++k) end = append(any(end, false, true));
      iop::op sum = reading(random_.one_in(2) ? from : end, iop::kind::add);
      sum.inputs.push_back(sum.inputs[0] == from ? end : from);
      append(sum);
      return;
    }
    std::vector<std::size_t> ends{from};
    if (room >= 3 && random_.one_in(2)) ends[0] = append(any(from, false, false, true));
    ends.push_back(append(any(from, false, false, true)));
    iop::op joined = reading(ends[0], iop::kind::concat);
    joined.inputs.clear();
    joined.out.channels = 0;
    for (const std::size_t end : ends) {
      const std::size_t begin = joined.out.channels;
      joined.inputs.push_back(end);
      joined.out.channels += ops_[end].out.channels;
      joined.parts.push_back({begin, joined.out.channels});
    }
    append(joined);
  }

  draw& random_;
  std::vector<iop::op> ops_;
};

template <std::size_t Ranks>
struct random_problem {
  std::vector<iop::op> ops;
  iop::cluster<Ranks> devices;
  iop::endpoints ends{};
  iop::planner::allowances allowed{};

  explicit random_problem(std::uint64_t seed) {
    draw random(seed);
    ops = network_generator(random).make(random.between(2, 6));
    double flops = 0;
    for (const iop::op& o : ops)
      flops += 2.0 * static_cast<double>(
                         multiply_adds(o, o.out.height * o.out.width, o.out.channels, channels_read(o)));
    // A message takes from nothing to a tenth of what one device needs for all.
    const double alone = flops / 1e6 + 1e-6;
    for (std::size_t r = 0; r < Ranks; ++r)
      devices.devices.push_back({"device",
                                 {1e6 * random.real(0.3, 2)},
                                 {1e6 * random.real(0.5, 8)},
                                 {std::size_t{1} << 30},
                                 random.one_in(3) ? std::size_t{4} : std::size_t{1}});
    draw rates(seed + 1'000'000);
    for (iop::device& d : devices.devices)
      for (iop::compute_rate* each : {&d.winograd, &d.depthwise, &d.narrow})
        if (rates.one_in(3)) each->flops_per_second = 1e6 * rates.real(0.2, 4);
    for (iop::device& d : devices.devices) d.skips_padding = rates.one_in(3);
    const auto any_link = [&](bool shared) {
      const double bytes = static_cast<double>(ops[0].out.size() * sizeof(float));
      const double message = random.one_in(6) ? 0 : alone * random.real(0, 0.1);
      return iop::link{{bytes / alone * random.real(1, 40)}, {message}, shared};
    };
    const bool shared = random.one_in(4);
    devices.connect_all(any_link(shared));
    if (!shared && random.one_in(2))
      for (std::size_t a = 0; a < Ranks; ++a)
        for (std::size_t b = a + 1; b < Ranks; ++b) devices = devices.with_link(a, b, any_link(false));
    if (random.one_in(4))  // equal devices
      for (iop::device& d : devices.devices) d = devices.devices[0];
    ends = {random.between(0, Ranks - 1), random.between(0, Ranks - 1)};
    for (bool* each : {&allowed.single, &allowed.output_channel, &allowed.input_channel, &allowed.interleaved,
                       &allowed.spatial, &allowed.fused, &allowed.subsets})
      *each = !random.one_in(5);
    allowed.rows_first = random.one_in(8);
  }
};

}  // namespace iop_test
