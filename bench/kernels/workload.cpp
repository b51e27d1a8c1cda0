// SPDX-License-Identifier: MIT
#include "workload.hpp"

#include <iop/exec/compute.hpp>
#include <iop/exec/load.hpp>
#include <iop/kernel/reference.hpp>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <stdexcept>
#include <string>

namespace iop_bench {

namespace {

constexpr std::size_t line_floats = 16;

constexpr std::size_t round_up(std::size_t floats) {
  return (floats + line_floats - 1) / line_floats * line_floats;
}

using compute_function = void (*)(const iop::deploy::compute_step&, std::span<const iop::deploy::operand>,
                                  float*, const float*);

compute_function function_of(iop::kind what, bool by_winograd) {
  using iop::kind;
  switch (what) {
    case kind::conv2d:
      return by_winograd ? &iop::exec::compute<kind::conv2d, true> : &iop::exec::compute<kind::conv2d>;
    case kind::dense:
      return &iop::exec::compute<kind::dense>;
    case kind::max_pool:
      return &iop::exec::compute<kind::max_pool>;
    case kind::average_pool:
      return &iop::exec::compute<kind::average_pool>;
    case kind::elementwise:
      return &iop::exec::compute<kind::elementwise>;
    case kind::add:
      return &iop::exec::compute<kind::add>;
    default:
      throw std::invalid_argument("no workload for " + std::string(iop::name_of(what)));
  }
}

/// Random numbers in [-1, 1), each made from its place: nobody has to keep those of the largest layers.
float value_at(std::size_t i) {
  auto bits = static_cast<std::uint32_t>(i) * 2654435769u;
  bits = (bits ^ bits >> 15) * 2246822519u;
  bits = (bits ^ bits >> 13) * 3266489917u;
  return static_cast<float>(static_cast<std::int32_t>(bits ^ bits >> 16)) * 0x1p-31f;
}

constexpr std::size_t first_weight = std::size_t{1} << 30;

}  // namespace

float* workload::buffer::data() const {
  const auto address = reinterpret_cast<std::uintptr_t>(floats.data());
  const std::uintptr_t line = line_floats * sizeof(float);
  return const_cast<float*>(floats.data()) + ((line - address % line) % line) / sizeof(float);
}

workload::buffer workload::make_buffer(std::size_t floats) {
  return {std::vector<float>(floats + line_floats)};
}

float workload::weight(std::size_t i) const {
  const auto terms = static_cast<float>(iop::weight_count(what_, 1, iop::channels_read(what_)));
  return 2.0f / std::sqrt(terms) * value_at(first_weight + i);
}

workload::workload(const iop::op& o, bool by_winograd)
    : what_(o), compute_(function_of(o.what, by_winograd)) {
  const std::size_t in = round_up(o.in.size()), inputs = std::max<std::size_t>(o.inputs.size(), 1);
  step_.by_winograd = by_winograd;
  step_.workspace = inputs * in + round_up(o.out.size());
  arena_ = make_buffer(
      step_.workspace +
      (by_winograd ? iop::winograd_workspace(o.out.height, o.out.width, o.in.channels, o.out.channels) : 0));
  for (std::size_t i = 0; i < inputs * in; ++i) arena_.data()[i] = value_at(i);
  step_.out = inputs * in;
  step_.output_channels = {0, o.out.channels};
  step_.count_padding = o.count_padding;
  if (iop::deploy::has_window(o)) {
    step_.geometry = iop::deploy::local_geometry(o, whole(o.in), whole(o.in), whole(o.out));
  } else {
    step_.geometry.out = iop::kernel::compact(o.out.height, o.out.width, o.out.channels);
    for (std::size_t i = 0; i < inputs; ++i)
      operands_.push_back({i * in, o.in.channels, o.in.channels, step_.out});
  }
  step_.geometry.act = iop::deploy::activation_of(o);
  if (!iop::is_weighted(o)) return;

  std::vector<float> raw(iop::weight_count(o, o.out.channels, iop::channels_read(o)));
  for (std::size_t i = 0; i < raw.size(); ++i) raw[i] = weight(i);
  const std::size_t packed = by_winograd ? iop::winograd_weight_count(o.out.channels, o.in.channels)
                                         : iop::kernel::packed_size(step_.geometry);
  step_.bias = round_up(packed + iop::kernel::weight_slack);
  step_.has_bias = o.bias;
  weights_ = make_buffer(step_.bias + o.out.channels);
  iop::exec::load_weights(o, step_, raw, {}, weights_.data(), [](auto) {});
}

double workload::error() const {
  namespace kernel = iop::kernel;
  const kernel::windowed& g = step_.geometry;
  const std::size_t outs = g.out.channels,
                    per_output = iop::weight_count(what_, 1, iop::channels_read(what_));
  const std::size_t channels = g.groups == 1 ? std::min<std::size_t>(outs, 8) : outs;
  const float *in = arena_.data() + step_.in, *out = arena_.data() + step_.out;
  double difference = 0, largest = 0;
  for (std::size_t i = 0; i < what_.out.size(); ++i)
    largest = std::max(largest, std::fabs(static_cast<double>(out[i])));
  for (const std::size_t first : {std::size_t{0}, outs - channels}) {
    std::vector<float> weights(channels * per_output), expected(channels);
    for (std::size_t i = 0; i < weights.size(); ++i) weights[i] = weight(first * per_output + i);
    const std::size_t pixels = g.out.height * g.out.width, step = std::max<std::size_t>(pixels / 29, 1);
    for (std::size_t pixel = 0; pixel < pixels; pixel += step) {
      const std::size_t y = pixel / g.out.width, x = pixel % g.out.width;
      kernel::windowed one = g;
      one.top += static_cast<std::ptrdiff_t>(y * g.stride_height);
      one.left += static_cast<std::ptrdiff_t>(x * g.stride_width);
      one.out = kernel::compact(1, 1, channels);
      kernel::reference::conv2d(one, in, weights.data(), nullptr, expected.data());
      for (std::size_t c = 0; c < channels; ++c)
        difference = std::max(difference, std::fabs(static_cast<double>(out[pixel * outs + first + c]) -
                                                    static_cast<double>(expected[c])));
    }
  }
  return difference / largest;
}

void workload::run() { compute_(step_, operands_, arena_.data(), weights_.data()); }

}  // namespace iop_bench
