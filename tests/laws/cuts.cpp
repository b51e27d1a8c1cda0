// SPDX-License-Identifier: MIT
// The laws that cutting rests on, for random operators: shards joined are the whole, to the last bit; partial
// sums added are the whole, to rounding.
#include <iop/deploy/program.hpp>
#include <iop/exec/load.hpp>
#include <iop/kernel/conv2d.hpp>
#include <iop/planner/shares.hpp>

#include "../catch.hpp"
#include "../support/random_weights.hpp"

#include <algorithm>
#include <cmath>
#include <vector>

using namespace iop;
using iop::planner::share_list;

namespace {

constexpr std::size_t ranks = 4;

class generator {
 public:
  /// In [low, high].
  std::size_t between(std::size_t low, std::size_t high) {
    const double share = (static_cast<double>(iop_test::uniform(state_)) + 1) / 2;
    return std::min(high, low + static_cast<std::size_t>(share * static_cast<double>(high - low + 1)));
  }

 private:
  std::uint64_t state_ = 7;
};

/// A convolution of any kind, `groups` of them.
op draw_convolution(generator& draw, std::size_t groups) {
  op o;
  o.what = kind::conv2d;
  o.bias = draw.between(0, 1) == 1;
  o.act = draw.between(0, 1) == 1 ? activation::relu : activation::none;
  o.groups = groups;
  o.in = {groups * draw.between(1, 40 / groups), draw.between(3, 14), draw.between(3, 12)};
  for (;;) {
    window& w = o.win;
    w = {draw.between(1, 4), draw.between(1, 4), draw.between(1, 3), draw.between(1, 3), draw.between(1, 2),
         draw.between(1, 2), draw.between(0, 2), draw.between(0, 2), draw.between(0, 2), draw.between(0, 2)};
    o.out.height = output_extent(o.in.height, w.kernel_height, w.stride_height, w.dilation_height, w.pad_top,
                                 w.pad_bottom);
    o.out.width =
        output_extent(o.in.width, w.kernel_width, w.stride_width, w.dilation_width, w.pad_left, w.pad_right);
    if (o.out.height > 0 && o.out.width > 0) break;
  }
  o.out.channels = groups * draw.between(1, 40 / groups);
  return o;
}

/// Shares of any sizes, empty ones among them, that cover [0, total) in units.
share_list<ranks> draw_cuts(generator& draw, std::size_t total, std::size_t unit) {
  std::size_t cuts[ranks + 1]{};
  cuts[ranks] = total;
  for (std::size_t i = 1; i < ranks; ++i) cuts[i] = draw.between(0, total / unit) * unit;
  std::sort(cuts, cuts + ranks + 1);
  share_list<ranks> shares;
  for (std::size_t r = 0; r < ranks; ++r) shares[r] = {cuts[r], cuts[r + 1]};
  return shares;
}

struct tensors {
  std::vector<float> in, weights, bias, whole;
};

/// The box `in` of a compact HWC tensor.
std::vector<float> cut_out(const std::vector<float>& all, const shape& s, const box& b) {
  std::vector<float> part;
  for (std::size_t y = b.rows.begin; y < b.rows.end; ++y)
    for (std::size_t x = 0; x < s.width; ++x)
      for (std::size_t c = b.channels.begin; c < b.channels.end; ++c)
        part.push_back(all[(y * s.width + x) * s.channels + c]);
  return part;
}

/// What a rank with the box `out` computes from its own part of input and weights; the way of a program's
/// step.
std::vector<float> compute(const op& o, const tensors& t, const box& in, const box& out, bool is_partial,
                           bool has_bias) {
  deploy::compute_step step;
  step.geometry = deploy::local_geometry(o, in, in, out);
  if (!is_partial) step.geometry.act = o.act;
  step.output_channels = out.channels;
  step.first_input_channel = o.groups == 1 ? in.channels.begin : 0;
  std::vector<float> packed(kernel::packed_size(step.geometry) + kernel::weight_slack);
  exec::load_weights(o, step, t.weights, {}, packed.data(), [](auto) {});
  const std::vector<float> part = cut_out(t.in, o.in, in);
  std::vector<float> made(element_count(out, o.out.width));
  kernel::conv2d(step.geometry, part.data(), packed.data(),
                 has_bias ? t.bias.data() + out.channels.begin : nullptr, made.data());
  return made;
}

tensors draw_tensors(const op& o, std::uint64_t seed) {
  tensors t;
  t.in = iop_test::random_values(o.in.size(), seed);
  t.weights = iop_test::random_values(weight_count(o, o.out.channels, channels_read(o)), seed + 1);
  t.bias = iop_test::random_values(o.out.channels, seed + 2);
  t.whole = compute(o, t, whole(o.in), whole(o.out), false, o.bias);
  return t;
}

/// Joins what the ranks make under the decision; `times` counts who wrote an element.
void check_join(const op& o, const tensors& t, const decision<ranks>& d) {
  std::vector<float> joined(o.out.size());
  std::vector<int> times(o.out.size());
  for (std::size_t r = 0; r < ranks; ++r) {
    const box out = output_box(o, d, r);
    if (out.empty()) continue;
    const std::vector<float> part = compute(o, t, input_box(o, d, r), out, false, o.bias);
    std::size_t at = 0;
    for (std::size_t y = out.rows.begin; y < out.rows.end; ++y)
      for (std::size_t x = 0; x < o.out.width; ++x)
        for (std::size_t c = out.channels.begin; c < out.channels.end; ++c, ++at) {
          joined[(y * o.out.width + x) * o.out.channels + c] = part[at];
          ++times[(y * o.out.width + x) * o.out.channels + c];
        }
  }
  CHECK(std::all_of(times.begin(), times.end(), [](int n) { return n == 1; }));
  const bool is_whole = joined == t.whole;  // kept out of CHECK, which would print all of both
  CHECK(is_whole);
}

}  // namespace

TEST_CASE("shards of output channels, joined, are the whole", "[laws]") {
  generator draw;
  for (std::uint64_t trial = 0; trial < 150; ++trial) {
    const std::size_t groups = draw.between(0, 2) == 0 ? draw.between(2, 8) : 1;
    const op o = draw_convolution(draw, groups);
    const tensors t = draw_tensors(o, trial);
    INFO("trial " << trial << ", " << groups << " groups");
    check_join(o, t,
               planner::decide(partition::output_channel, draw_cuts(draw, o.out.channels, channel_unit(o))));
  }
}

TEST_CASE("shards of a depthwise convolution's channels, joined, are the whole", "[laws]") {
  generator draw;
  for (std::uint64_t trial = 0; trial < 100; ++trial) {
    const std::size_t channels = draw.between(2, 20);
    op o = draw_convolution(draw, channels);
    o.in.channels = channels;
    const tensors t = draw_tensors(o, trial);
    INFO("trial " << trial << ", " << channels << " channels");
    check_join(o, t,
               planner::decide(partition::output_channel, draw_cuts(draw, o.out.channels, channel_unit(o))));
  }
}

TEST_CASE("shards of rows, joined, are the whole", "[laws]") {
  generator draw;
  for (std::uint64_t trial = 0; trial < 150; ++trial) {
    const op o = draw_convolution(draw, draw.between(0, 2) == 0 ? draw.between(2, 8) : 1);
    const tensors t = draw_tensors(o, trial);
    INFO("trial " << trial << ", " << o.groups << " groups, kernel " << o.win.kernel_height << ", pads "
                  << o.win.pad_top << " and " << o.win.pad_bottom);
    check_join(o, t, planner::decide(partition::spatial, draw_cuts(draw, o.out.height, 1)));
  }
}

TEST_CASE("partial sums of input channels, added, are the whole", "[laws]") {
  generator draw;
  for (std::uint64_t trial = 0; trial < 150; ++trial) {
    const op o = draw_convolution(draw, 1);
    const tensors t = draw_tensors(o, trial);
    const auto d = planner::decide(partition::input_channel, draw_cuts(draw, o.in.channels, 1));
    std::vector<double> sum(o.out.size());
    bool is_first = true;
    for (std::size_t r = 0; r < ranks; ++r) {
      if (d.shares[r].empty()) continue;
      CHECK(planner::place_weights(o, d, r, 0).has_bias == (o.bias && is_first));
      const auto part = compute(o, t, input_box(o, d, r), output_box(o, d, r), true, o.bias && is_first);
      for (std::size_t i = 0; i < part.size(); ++i) sum[i] += static_cast<double>(part[i]);
      is_first = false;
    }
    double apart = 0;
    for (std::size_t i = 0; i < sum.size(); ++i) {
      const double value = o.act == activation::relu ? std::max(sum[i], 0.0) : sum[i];
      apart = std::max(apart, std::abs(value - static_cast<double>(t.whole[i])));
    }
    INFO("trial " << trial);
    CHECK(apart < 1e-4);
  }
}

TEST_CASE("balanced shares of any device mix cover an operator once", "[laws]") {
  generator draw;
  for (int trial = 0; trial < 100; ++trial) {
    const op o = draw_convolution(draw, draw.between(1, 4));
    cluster<ranks> c;
    for (std::size_t r = 0; r < ranks; ++r)
      c.devices.push_back({"d",
                           {1e6 * static_cast<double>(draw.between(1, 10000))},
                           {1e6 * static_cast<double>(draw.between(1, 10000))},
                           {1 << 30},
                           draw.between(1, 16)});
    const auto check = [&](const share_list<ranks>& shares, std::size_t total, std::size_t unit) {
      std::size_t at = 0;
      for (const range& share : shares) {
        if (share.empty()) continue;
        CHECK(share.begin == at);
        CHECK(share.begin % unit == 0);
        at = share.end;
      }
      CHECK(at == total);
    };
    INFO("trial " << trial);
    check(planner::balance_output_channels(o, c), o.out.channels, channel_unit(o));
    check(planner::balance_rows(o, o, c), o.out.height, 1);
  }
}
