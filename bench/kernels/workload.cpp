// SPDX-License-Identifier: MIT
#include "workload.hpp"

#include <iop/exec/compute.hpp>
#include <iop/exec/load.hpp>

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

compute_function function_of(iop::kind what) {
  using iop::kind;
  switch (what) {
    case kind::conv2d:
      return &iop::exec::compute<kind::conv2d>;
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

/// Small numbers of both signs; a pattern, since millions of them are made for each operator.
float value_at(std::size_t i) { return (static_cast<float>(i * 2654435761u % 1021) - 510.0f) / 512.0f; }

}  // namespace

float* workload::buffer::data() const {
  const auto address = reinterpret_cast<std::uintptr_t>(floats.data());
  const std::uintptr_t line = line_floats * sizeof(float);
  return const_cast<float*>(floats.data()) + ((line - address % line) % line) / sizeof(float);
}

workload::buffer workload::make_buffer(std::size_t floats) {
  return {std::vector<float>(floats + line_floats)};
}

workload::workload(const iop::op& o) : what_(o.what), compute_(function_of(o.what)) {
  const std::size_t in = round_up(o.in.size()), inputs = std::max<std::size_t>(o.inputs.size(), 1);
  arena_ = make_buffer(inputs * in + round_up(o.out.size()));
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
  const float scale = 2.0f / std::sqrt(static_cast<float>(raw.size() / o.out.channels));
  for (std::size_t i = 0; i < raw.size(); ++i) raw[i] = scale * value_at(i + 7);
  step_.bias = round_up(iop::kernel::packed_size(step_.geometry) + iop::kernel::weight_slack);
  step_.has_bias = o.bias;
  weights_ = make_buffer(step_.bias + o.out.channels);
  iop::exec::load_weights(o, step_, raw, {}, weights_.data(), [](auto) {});
}

void workload::run() { compute_(step_, operands_, arena_.data(), weights_.data()); }

}  // namespace iop_bench
