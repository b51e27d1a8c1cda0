// SPDX-License-Identifier: MIT
#pragma once

// Functions of one element at a time, and the sum that ends a partial result. Additions are done in the order
// of the terms for every element on its own, so the SIMD width cannot change a bit of the result.

#include <iop/kernel/simd.hpp>
#include <iop/spec/activation.hpp>

#include <cmath>
#include <cstddef>
#include <span>
#include <type_traits>

namespace iop::kernel {

inline float activated(activation a, float value) {
  return a == activation::relu ? (value > 0.0f ? value : 0.0f) : value;
}

inline simd::batch activated(activation a, const simd::batch& values) {
  return a == activation::relu ? simd::max(values, simd::broadcast(0.0f)) : values;
}

/// In place on `count` floats.
inline void activate(activation a, std::size_t count, float* data) {
  if (a == activation::none) return;
  std::size_t i = 0;
  for (; i + simd::lanes <= count; i += simd::lanes)
    simd::store(data + i, activated(a, simd::load(data + i)));
  for (; i < count; ++i) data[i] = activated(a, data[i]);
}

/// out[i] = act(((terms[0][i] + terms[1][i]) + terms[2][i]) + …), zero without terms. `out` may be one of the
/// terms.
inline void sum(std::span<const float* const> terms, std::size_t count, activation act, float* out) {
  constexpr std::size_t width = 4;  // batches in flight
  std::size_t i = 0;
  const auto add_up = [&]<std::size_t Batches>(std::integral_constant<std::size_t, Batches>) {
    for (; i + Batches * simd::lanes <= count; i += Batches * simd::lanes) {
      simd::batch total[Batches];
      for (std::size_t b = 0; b < Batches; ++b)
        total[b] = terms.empty() ? simd::broadcast(0.0f) : simd::load(terms[0] + i + b * simd::lanes);
      for (std::size_t t = 1; t < terms.size(); ++t)
        for (std::size_t b = 0; b < Batches; ++b)
          total[b] = total[b] + simd::load(terms[t] + i + b * simd::lanes);
      for (std::size_t b = 0; b < Batches; ++b)
        simd::store(out + i + b * simd::lanes, activated(act, total[b]));
    }
  };
  add_up(std::integral_constant<std::size_t, width>{});
  add_up(std::integral_constant<std::size_t, 1>{});
  for (; i < count; ++i) {
    float total = terms.empty() ? 0.0f : terms[0][i];
    for (std::size_t t = 1; t < terms.size(); ++t) total += terms[t][i];
    out[i] = activated(act, total);
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
