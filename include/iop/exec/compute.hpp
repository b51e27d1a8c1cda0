// SPDX-License-Identifier: MIT
#pragma once

// From one compute step to one kernel call. The kind of operator and its form are template arguments, so that
// a program contains only the kernels that it uses; sizes are run-time arguments, so that operators share
// them.

#include <iop/deploy/program.hpp>
#include <iop/kernel/conv2d.hpp>
#include <iop/kernel/copy.hpp>
#include <iop/kernel/elementwise.hpp>
#include <iop/kernel/pool.hpp>
#include <iop/kernel/response_norm.hpp>
#include <iop/kernel/winograd.hpp>

#include <array>
#include <cstddef>
#include <span>

namespace iop::exec {

/// Of a step: what its kernel needs, if that is a convolution.
constexpr kernel::conv_forms forms_of(kind what, const deploy::compute_step& step) {
  if (what != kind::conv2d && what != kind::dense) return {};
  if (step.by_winograd) return {0, kernel::blocks_of(step.geometry.out.channels)};
  return kernel::forms_of(step.geometry);
}

/// Not inlined: one copy serves all operators of a kind, and of a form if it is a convolution.
template <kind What, bool ByWinograd = false, kernel::conv_forms Forms = kernel::conv_forms{}>
[[gnu::noinline]] void compute(const deploy::compute_step& step, std::span<const deploy::operand> operands,
                               float* arena, const float* weights) {
  const kernel::windowed& g = step.geometry;
  const float* in = arena + step.in;
  float* out = arena + step.out;
  const auto shape_of = [&](const deploy::operand& o) {
    return kernel::extents{g.out.height, g.out.width, o.channels, o.pixel_stride};
  };
  if constexpr (ByWinograd) {
    static_assert(What == kind::conv2d);
    kernel::conv2d_winograd<Forms.blocks>(g, in, weights + step.weights,
                                          step.has_bias ? weights + step.bias : nullptr, nullptr,
                                          arena + step.workspace, out);
  } else if constexpr (What == kind::conv2d || What == kind::dense) {
    kernel::conv2d<Forms>(g, in, weights + step.weights, step.has_bias ? weights + step.bias : nullptr, out);
  } else if constexpr (What == kind::max_pool) {
    kernel::max_pool(g, in, out);
  } else if constexpr (What == kind::average_pool) {
    kernel::average_pool(g, step.count_padding, in, out);
  } else if constexpr (What == kind::local_response_norm) {
    const deploy::operand& o = operands[0];
    kernel::local_response_norm(step.response, step.output_channels.begin - step.first_input_channel,
                                shape_of(o), arena + o.from, g.out, out);
    kernel::activate(g.act, g.out, out);
  } else if constexpr (What == kind::add) {
    std::array<kernel::operand, kernel::most_operands> terms{};
    for (std::size_t i = 0; i < operands.size(); ++i)
      terms[i] = {arena + operands[i].from, operands[i].pixel_stride};
    kernel::add(std::span(terms).first(operands.size()), g.out, g.act, out);
  } else {
    static_assert(What == kind::elementwise || What == kind::softmax || What == kind::concat,
                  "iop: this operator has no kernel yet.");
    for (const deploy::operand& o : operands) {
      const kernel::extents part{g.out.height, g.out.width, o.channels, g.out.pixel_stride};
      if (o.from != o.to) kernel::copy(shape_of(o), arena + o.from, part, arena + o.to);
    }
    if constexpr (What == kind::softmax)
      kernel::softmax(g.out.height * g.out.width * g.out.channels, out, out);
    else
      kernel::activate(g.act, g.out, out);
  }
}

}  // namespace iop::exec
