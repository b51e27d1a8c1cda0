// SPDX-License-Identifier: MIT
#pragma once

// Sums, which join branches and end partial results, and softmax. Additions are done in the order of the
// terms for every element on its own, so the SIMD width cannot change a bit of a sum.

#include <iop/kernel/activation.hpp>
#include <iop/kernel/geometry.hpp>
#include <iop/kernel/simd.hpp>

#include <array>
#include <cmath>
#include <cstddef>
#include <span>
#include <type_traits>

namespace iop::kernel {

/// out[i] = act(((terms[0][i] + terms[1][i]) + terms[2][i]) + …), zero without terms. `out` may be one of the
/// terms.
inline void sum(std::span<const float* const> terms, std::size_t count, const activation_function& act,
                float* out) {
  constexpr std::size_t width = 4;  // batches in flight
  const limits l = limits_of(act);
  std::size_t i = 0;
  const auto add_up = [&]<std::size_t Batches>(std::integral_constant<std::size_t, Batches>) {
    for (; i + Batches * simd::lanes <= count; i += Batches * simd::lanes) {
      simd::batch total[Batches];
      for (std::size_t b = 0; b < Batches; ++b)
        total[b] = terms.empty() ? simd::broadcast(0.0f) : simd::load(terms[0] + i + b * simd::lanes);
      for (std::size_t t = 1; t < terms.size(); ++t)
        for (std::size_t b = 0; b < Batches; ++b)
          total[b] = total[b] + simd::load(terms[t] + i + b * simd::lanes);
      for (std::size_t b = 0; b < Batches; ++b) simd::store(out + i + b * simd::lanes, limited(l, total[b]));
    }
  };
  add_up(std::integral_constant<std::size_t, width>{});
  add_up(std::integral_constant<std::size_t, 1>{});
  if (const std::size_t rest = count - i; rest > 0) {
    simd::batch total = terms.empty() ? simd::broadcast(0.0f) : simd::load_first(terms[0] + i, rest);
    for (std::size_t t = 1; t < terms.size(); ++t) total = total + simd::load_first(terms[t] + i, rest);
    simd::store_first(out + i, limited(l, total), rest);
  }
  activate_limited(act, compact(1, 1, count), out);
}

/// One term of a sum of boxes: its first float, and how far apart its pixels are.
struct operand {
  const float* data = nullptr;
  std::size_t pixel_stride = 0;
};

inline constexpr std::size_t most_operands = 4;

/// out = act(sum of up to `most_operands` boxes of the shape of `out`), which may be one of them.
inline void add(std::span<const operand> terms, const extents& shape, const activation_function& act,
                float* out) {
  if (shape.channels == 0) return;
  std::array<const float*, most_operands> at{};
  bool is_compact = shape.pixel_stride == shape.channels;
  for (std::size_t t = 0; t < terms.size(); ++t) {
    at[t] = terms[t].data;
    is_compact = is_compact && terms[t].pixel_stride == shape.channels;
  }
  const std::span<const float* const> pointers = std::span(at).first(terms.size());
  const std::size_t pixels = shape.height * shape.width;
  if (is_compact) return sum(pointers, pixels * shape.channels, act, out);
  for (std::size_t p = 0; p < pixels; ++p, out += shape.pixel_stride) {
    sum(pointers, shape.channels, act, out);
    for (std::size_t t = 0; t < terms.size(); ++t) at[t] += terms[t].pixel_stride;
  }
}

/// exp(in[i]) / Σ exp(in[j]), computed relative to the largest input so that nothing overflows. `out` may be
/// `in`.
inline void softmax(std::size_t count, const float* in, float* out) {
  if (count == 0) return;
  float largest = in[0];
  for (std::size_t i = 1; i < count; ++i) largest = in[i] > largest ? in[i] : largest;
  double total = 0;
  for (std::size_t i = 0; i < count; ++i) {
    out[i] = std::exp(in[i] - largest);
    total += static_cast<double>(out[i]);
  }
  const float scale = static_cast<float>(1.0 / total);
  for (std::size_t i = 0; i < count; ++i) out[i] *= scale;
}

}  // namespace iop::kernel
