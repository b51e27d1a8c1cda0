// SPDX-License-Identifier: MIT
#pragma once

// A max_pool behind a convolution that can do it in its registers: what is pooled is then never stored. The
// two steps stay two in the plan and for observers; the second has nothing left to do.

#include <iop/deploy/program.hpp>
#include <iop/kernel/planar.hpp>

#include <cstddef>

namespace iop::exec {

/// Whether step `index` of a program does the next one, too, which alone reads its output.
template <class Steps>
constexpr bool does_next_pool(const Steps& steps, op_list ops, std::size_t index) {
  if (index + 1 >= steps.size() || steps[index].is_exchange || steps[index + 1].is_exchange) return false;
  const deploy::compute_step &first = steps[index].compute, &next = steps[index + 1].compute;
  if (ops[first.tensor].what != kind::conv2d || first.by_winograd) return false;
  if (ops[next.tensor].what != kind::max_pool || ops[next.tensor].inputs[0] != first.tensor) return false;
  std::size_t readers = 0;
  for (const op& o : ops)
    for (const std::size_t input : o.inputs) readers += input == first.tensor;
  return readers == 1 && next.in == first.out && kernel::is_planar_pooled(first.geometry, next.geometry);
}

/// Both steps.
[[gnu::noinline]] inline void compute_pooled(const deploy::compute_step& step,
                                             const deploy::compute_step& pool, float* arena,
                                             const float* weights) {
  kernel::planar_pooled(step.geometry, pool.geometry, arena + step.in, weights + step.weights,
                        step.has_bias ? weights + step.bias : nullptr, arena + pool.out);
}

}  // namespace iop::exec
