// SPDX-License-Identifier: MIT
#pragma once

// The definitions: every kernel again as plain loops over outputs and taps, summed in double, weights in
// PyTorch's order (OIHW). Slow and easy to check by eye; tests and demos compare the fast kernels with these.

#include <iop/kernel/geometry.hpp>
#include <iop/spec/operators.hpp>

#include <cmath>
#include <concepts>
#include <cstddef>
#include <limits>
#include <span>

namespace iop::kernel::reference {

inline double activated(const activation_function& f, double x) {
  switch (f.what) {
    case activation::none:
      break;
    case activation::relu:
      return 0 > x ? 0 : x;
    case activation::relu6:
      return 0 > x ? 0 : 6 < x ? 6 : x;
    case activation::leaky_relu:
      return x > 0 ? x : static_cast<double>(f.slope) * x;
    case activation::hard_swish:
      return x * (0 > x + 3 ? 0 : 6 < x + 3 ? 6 : x + 3) / 6;
    case activation::sigmoid:
      return 1 / (1 + std::exp(-x));
    case activation::tanh:
      return std::tanh(x);
  }
  return x;
}

/// The input under tap (i, j) of output (y, x), null where that is padding.
inline const float* tap(const windowed& g, const float* in, std::size_t y, std::size_t x, std::size_t i,
                        std::size_t j) {
  const auto row = g.top + static_cast<std::ptrdiff_t>(y * g.stride_height + i * g.dilation_height);
  const auto column = g.left + static_cast<std::ptrdiff_t>(x * g.stride_width + j * g.dilation_width);
  if (row < 0 || column < 0) return nullptr;
  const auto r = static_cast<std::size_t>(row), c = static_cast<std::size_t>(column);
  return r < g.in.height && c < g.in.width ? in + (r * g.in.width + c) * g.in.pixel_stride : nullptr;
}

/// out(y, x, channel) = value(y, x, channel) everywhere.
template <class Value>
void fill(const extents& shape, float* out, Value&& value) {
  for (std::size_t y = 0; y < shape.height; ++y)
    for (std::size_t x = 0; x < shape.width; ++x)
      for (std::size_t c = 0; c < shape.channels; ++c)
        out[(y * shape.width + x) * shape.pixel_stride + c] = static_cast<float>(value(y, x, c));
}

/// `read(o, i, y, x)` gives the weights as for pack_conv2d.
template <class Read>
requires std::invocable<Read&, std::size_t, std::size_t, std::size_t, std::size_t>
void conv2d(const windowed& g, const float* in, Read&& read, const float* bias, float* out) {
  if (g.groups == 0) return;
  const std::size_t group_inputs = g.in.channels / g.groups, group_outputs = g.out.channels / g.groups;
  fill(g.out, out, [&](std::size_t y, std::size_t x, std::size_t o) {
    double sum = bias != nullptr ? static_cast<double>(bias[o]) : 0;
    for (std::size_t i = 0; i < g.kernel_height; ++i)
      for (std::size_t j = 0; j < g.kernel_width; ++j)
        if (const float* pixel = tap(g, in, y, x, i, j))
          for (std::size_t c = 0; c < group_inputs; ++c)
            sum += static_cast<double>(pixel[o / group_outputs * group_inputs + c]) *
                   static_cast<double>(read(o, c, i, j));
    return activated(g.act, sum);
  });
}

/// `oihw` points at out.channels × in.channels / groups × kernel_height × kernel_width weights.
inline void conv2d(const windowed& g, const float* in, const float* oihw, const float* bias, float* out) {
  const auto read = [&](std::size_t o, std::size_t i, std::size_t y, std::size_t x) {
    return oihw[((o * (g.in.channels / g.groups) + i) * g.kernel_height + y) * g.kernel_width + x];
  };
  conv2d(g, in, read, bias, out);
}

inline void max_pool(const windowed& g, const float* in, float* out) {
  fill(g.out, out, [&](std::size_t y, std::size_t x, std::size_t c) {
    double largest = -std::numeric_limits<double>::infinity();
    for (std::size_t i = 0; i < g.kernel_height; ++i)
      for (std::size_t j = 0; j < g.kernel_width; ++j)
        if (const float* pixel = tap(g, in, y, x, i, j))
          largest = std::fmax(largest, static_cast<double>(pixel[c]));
    return activated(g.act, largest);
  });
}

inline void average_pool(const windowed& g, bool count_padding, const float* in, float* out) {
  fill(g.out, out, [&](std::size_t y, std::size_t x, std::size_t c) {
    double sum = 0, count = 0;
    for (std::size_t i = 0; i < g.kernel_height; ++i)
      for (std::size_t j = 0; j < g.kernel_width; ++j)
        if (const float* pixel = tap(g, in, y, x, i, j)) {
          sum += static_cast<double>(pixel[c]);
          ++count;
        }
    if (count_padding) count = static_cast<double>(g.kernel_height * g.kernel_width);
    return activated(g.act, count > 0 ? sum / count : 0);
  });
}

inline void activate(const activation_function& f, std::size_t count, float* data) {
  for (std::size_t i = 0; i < count; ++i)
    data[i] = static_cast<float>(activated(f, static_cast<double>(data[i])));
}

/// Adds in float and in the order of the terms: here the rounding is part of the definition.
inline void sum(std::span<const float* const> terms, std::size_t count, const activation_function& act,
                float* out) {
  for (std::size_t i = 0; i < count; ++i) {
    float total = terms.empty() ? 0.0f : terms[0][i];
    for (std::size_t t = 1; t < terms.size(); ++t) total += terms[t][i];
    out[i] = static_cast<float>(activated(act, static_cast<double>(total)));
  }
}

/// As `sum` for boxes; `from[i]` is the shape of term i.
inline void add(std::span<const float* const> terms, std::span<const extents> from, const extents& shape,
                const activation_function& act, float* out) {
  fill(shape, out, [&](std::size_t y, std::size_t x, std::size_t c) {
    const auto at = [&](std::size_t t) { return terms[t][(y * shape.width + x) * from[t].pixel_stride + c]; };
    float total = terms.empty() ? 0.0f : at(0);
    for (std::size_t t = 1; t < terms.size(); ++t) total += at(t);
    return activated(act, static_cast<double>(total));
  });
}

/// Output channel c is input channel c + shift.
inline void local_response_norm(const response_norm& n, std::size_t shift, const extents& in_shape,
                                const float* in, const extents& out_shape, float* out) {
  fill(out_shape, out, [&](std::size_t y, std::size_t x, std::size_t c) {
    const float* pixel = in + (y * in_shape.width + x) * in_shape.pixel_stride;
    double squares = 0;
    for (std::size_t i = 0; i < in_shape.channels; ++i)
      if (i + n.size / 2 >= c + shift && i <= c + shift + (n.size - 1) / 2)
        squares += static_cast<double>(pixel[i]) * static_cast<double>(pixel[i]);
    const double scale =
        static_cast<double>(n.k) + static_cast<double>(n.alpha) / static_cast<double>(n.size) * squares;
    return static_cast<double>(pixel[c + shift]) / std::pow(scale, static_cast<double>(n.beta));
  });
}

inline void softmax(std::size_t count, const float* in, float* out) {
  double largest = -std::numeric_limits<double>::infinity(), total = 0;
  for (std::size_t i = 0; i < count; ++i) largest = std::fmax(largest, static_cast<double>(in[i]));
  for (std::size_t i = 0; i < count; ++i) total += std::exp(static_cast<double>(in[i]) - largest);
  for (std::size_t i = 0; i < count; ++i)
    out[i] = static_cast<float>(std::exp(static_cast<double>(in[i]) - largest) / total);
}

inline void copy(const extents& from_shape, const float* from, const extents& to_shape, float* to) {
  fill(to_shape, to, [&](std::size_t y, std::size_t x, std::size_t c) {
    return from[(y * from_shape.width + x) * from_shape.pixel_stride + c];
  });
}

}  // namespace iop::kernel::reference
