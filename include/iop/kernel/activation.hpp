// SPDX-License-Identifier: MIT
#pragma once

// Activations in two forms. None, relu and relu6 cut off what lies outside a range: two instructions, which
// kernels apply to a result while it is in a register. The others are curves, which run over what a kernel
// has just stored, behind a function pointer: a program contains only the curves that its network names.

#include <iop/kernel/extents.hpp>
#include <iop/kernel/simd.hpp>
#include <iop/spec/activation.hpp>

#include <cstddef>
#include <limits>

namespace iop::kernel {

struct limits {
  float low = -std::numeric_limits<float>::infinity();
  float high = std::numeric_limits<float>::infinity();
};

/// Of a register or half of one. What is not a number stays so.
template <class Values>
Values limited(const limits& l, const Values& x) {
  return simd::min(simd::broadcast_as<Values>(l.high), simd::max(simd::broadcast_as<Values>(l.low), x));
}

/// data = f(data), register by register. Each element is computed in a whole register wherever it lies, so
/// that its bits do not depend on how a tensor is cut.
template <class Function>
void transform(extents shape, float* data, Function&& f) {
  if (shape.pixel_stride == shape.channels)
    shape = compact(1, 1, shape.height * shape.width * shape.channels);
  for (std::size_t p = 0; p < shape.height * shape.width; ++p, data += shape.pixel_stride) {
    std::size_t c = 0;
    for (; c + simd::lanes <= shape.channels; c += simd::lanes)
      simd::store(data + c, f(simd::load(data + c)));
    const std::size_t rest = shape.channels - c;
    if (rest > 0) simd::store_first(data + c, f(simd::load_first(data + c, rest)), rest);
  }
}

namespace curves {

/// max(x, 0) + slope · min(x, 0): one of the two is zero.
inline void leaky_relu(const extents& shape, float* data, float slope) {
  transform(shape, data, [factor = simd::broadcast(slope)](const simd::batch& x) {
    const simd::batch zero = simd::broadcast(0.0f);
    return simd::multiply_add(factor, simd::min(zero, x), simd::max(zero, x));
  });
}

inline void hard_swish(const extents& shape, float* data, float) {
  transform(shape, data, [](const simd::batch& x) {
    return simd::divide(x * limited({0.0f, 6.0f}, x + simd::broadcast(3.0f)), simd::broadcast(6.0f));
  });
}

inline void sigmoid(const extents& shape, float* data, float) {
  transform(shape, data, [](const simd::batch& x) {
    const simd::batch one = simd::broadcast(1.0f);
    return simd::divide(one, one + simd::exp(simd::broadcast(0.0f) - x));
  });
}

inline void tanh(const extents& shape, float* data, float) {
  transform(shape, data, [](const simd::batch& x) { return simd::tanh(x); });
}

}  // namespace curves

struct activation_function {
  activation what = activation::none;
  float slope = 0.0f;  ///< of leaky_relu
  /// Applies it in place; null when limits say it all.
  void (*curve)(const extents& shape, float* data, float slope) = nullptr;

  constexpr activation_function() = default;
  constexpr activation_function(activation a, float negative_slope = 0.01f)  // NOLINT: a name will do
      : what(a), slope(negative_slope) {
    if (a == activation::leaky_relu) curve = &curves::leaky_relu;
    if (a == activation::hard_swish) curve = &curves::hard_swish;
    if (a == activation::sigmoid) curve = &curves::sigmoid;
    if (a == activation::tanh) curve = &curves::tanh;
  }
};

/// What the activation cuts off; nothing when it is a curve.
constexpr limits limits_of(const activation_function& f) {
  limits l;
  if (f.what == activation::relu || f.what == activation::relu6) l.low = 0.0f;
  if (f.what == activation::relu6) l.high = 6.0f;
  return l;
}

/// In place.
inline void activate(const activation_function& f, const extents& shape, float* data) {
  if (f.curve != nullptr)
    f.curve(shape, data, f.slope);
  else if (f.what != activation::none)
    transform(shape, data, [l = limits_of(f)](const simd::batch& x) { return limited(l, x); });
}

/// Behind a kernel that has applied the limits already.
inline void activate_limited(const activation_function& f, const extents& shape, float* data) {
  if (f.curve != nullptr) f.curve(shape, data, f.slope);
}

}  // namespace iop::kernel
