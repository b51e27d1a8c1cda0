// SPDX-License-Identifier: MIT
#pragma once

// From one compute step to one kernel call. The kind of operator is a template argument, so that a program
// contains only the kernels that it uses; sizes are run-time arguments, so that operators share them.

#include <iop/deploy/program.hpp>
#include <iop/kernel/conv2d.hpp>
#include <iop/kernel/copy.hpp>
#include <iop/kernel/elementwise.hpp>
#include <iop/kernel/pool.hpp>

namespace iop::exec {

/// Not inlined: one copy serves all operators of a kind.
template <kind What>
[[gnu::noinline]] void compute(const op& o, const deploy::compute_step& step, float* arena,
                               const float* weights) {
  const kernel::windowed& g = step.geometry;
  const float* in = arena + step.in;
  float* out = arena + step.out;
  if constexpr (What == kind::conv2d || What == kind::dense) {
    kernel::conv2d(g, in, weights + step.weights, step.has_bias ? weights + step.bias : nullptr, out);
  } else if constexpr (What == kind::max_pool) {
    kernel::max_pool(g, in, out);
  } else if constexpr (What == kind::average_pool) {
    kernel::average_pool(g, o.count_padding, in, out);
  } else if constexpr (What == kind::elementwise || What == kind::softmax) {
    const std::size_t count = g.out.height * g.out.width * g.out.channels;
    if (in != out) kernel::copy(g.in, in, g.out, out);
    if constexpr (What == kind::elementwise)
      kernel::activate(g.act, count, out);
    else
      kernel::softmax(count, out, out);
  } else {
    static_assert(What == kind::conv2d, "iop: this operator has no kernel yet.");
  }
}

}  // namespace iop::exec
