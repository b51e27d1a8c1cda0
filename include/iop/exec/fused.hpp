// SPDX-License-Identifier: MIT
#pragma once

// What a convolution does of the step behind it while its sums are in registers, so that they are stored and
// loaded once less: a max_pool, or the addition that ends a residual block. The two steps stay two in the
// plan and for observers; the second has nothing left to do. The bits are those of one after the other.

#include <iop/deploy/program.hpp>
#include <iop/kernel/conv2d.hpp>
#include <iop/kernel/planar.hpp>
#include <iop/kernel/winograd.hpp>

#include <cstddef>
#include <span>

namespace iop::exec {

enum class fusion { none, pool, add };

namespace detail {

/// Of a convolution's result and another buffer, both laid out as the sum, which replaces the former.
template <class Step>
constexpr bool is_added(const Step& step, const Step& next) {
  const deploy::compute_step &first = step.compute, &sum = next.compute;
  if (next.operands.size() != 2 || sum.out != first.out || first.geometry.act.what != activation::none)
    return false;
  const deploy::operand &own = next.operands[0], &other = next.operands[1];
  const kernel::extents &made = first.geometry.out, &wanted = sum.geometry.out;
  return own.from == first.out && other.from != first.out && made == wanted &&
         own.pixel_stride == made.pixel_stride && other.pixel_stride == made.pixel_stride &&
         (first.by_winograd || kernel::is_added_in_tiles(first.geometry));
}

}  // namespace detail

/// What step `index` of a program does of the next one, which alone reads its output.
template <class Steps>
constexpr fusion fusion_of(const Steps& steps, op_list ops, std::size_t index) {
  if (index + 1 >= steps.size() || steps[index].is_exchange || steps[index + 1].is_exchange)
    return fusion::none;
  const deploy::compute_step &first = steps[index].compute, &next = steps[index + 1].compute;
  const op& reader = ops[next.tensor];
  if (ops[first.tensor].what != kind::conv2d || reader.inputs[0] != first.tensor) return fusion::none;
  std::size_t readers = 0;
  for (const op& o : ops)
    for (const std::size_t input : o.inputs) readers += input == first.tensor;
  if (readers != 1) return fusion::none;
  if (reader.what == kind::max_pool && !first.by_winograd && next.in == first.out &&
      kernel::is_planar_pooled(first.geometry, next.geometry))
    return fusion::pool;
  if (reader.what == kind::add && detail::is_added(steps[index], steps[index + 1])) return fusion::add;
  return fusion::none;
}

/// Both steps. `Forms`: what the blocks of output channels may be.
template <fusion What, bool ByWinograd, kernel::block_set Forms>
[[gnu::noinline]] void compute_fused(const deploy::compute_step& step, const deploy::compute_step& next,
                                     std::span<const deploy::operand> operands, float* arena,
                                     const float* weights) {
  const float *in = arena + step.in, *packed = weights + step.weights;
  const float* bias = step.has_bias ? weights + step.bias : nullptr;
  float* out = arena + next.out;
  if constexpr (What == fusion::pool) {
    kernel::planar_pooled(step.geometry, next.geometry, in, packed, bias, out);
  } else {
    kernel::windowed g = step.geometry;
    g.act = next.geometry.act;
    const float* added = arena + operands[1].from;
    if constexpr (ByWinograd)
      kernel::conv2d_winograd<Forms>(g, in, packed, bias, added, arena + step.workspace, out);
    else
      kernel::conv2d_added<Forms>(g, in, packed, bias, added, out);
  }
}

}  // namespace iop::exec
