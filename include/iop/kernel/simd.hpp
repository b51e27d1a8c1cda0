// SPDX-License-Identifier: MIT
#pragma once

// The only door to xsimd, and the only place that asks which instruction set this is. A batch is as many
// floats as one register holds. `load_first` and `store_first` touch exactly the floats they are told to, so
// they are safe at the end of a buffer. Nothing here requires alignment.

// g++ 12 takes the undefined operands of its own AVX-512 intrinsics for uninitialised variables (GCC bug
// 105593).
#if defined(__GNUC__) && !defined(__clang__)
  #pragma GCC diagnostic push
  #pragma GCC diagnostic ignored "-Wuninitialized"
  #pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#endif
#include <xsimd/xsimd.hpp>
#if defined(__GNUC__) && !defined(__clang__)
  #pragma GCC diagnostic pop
#endif

#include <algorithm>
#include <cstddef>

namespace iop::kernel::simd {

using batch = xsimd::batch<float>;

inline constexpr std::size_t lanes = batch::size;

/// Vector registers that a kernel may plan with.
#if defined(__AVX512F__) || defined(__aarch64__)
inline constexpr std::size_t registers = 32;
#else
inline constexpr std::size_t registers = 16;
#endif

/// Half a register where two of them together may take as long as a whole one (AVX-512 on Zen 4), for
/// channels that do not fill more; elsewhere another name of the whole.
#if defined(__AVX512F__)
struct half {
  __m256 values;
};
inline constexpr std::size_t half_lanes = lanes / 2;
#else
using half = batch;
inline constexpr std::size_t half_lanes = lanes;
#endif

/// g++ forgets how an address came about, so that it does not keep a register for each sum of steps. (Clang
/// chooses better ones if it knows.)
inline const float* opaque(const float* address) {
#if !defined(__clang__)
  asm("" : "+r"(address));
#endif
  return address;
}

/// The value is in a register: g++ would rather load it again for each use.
inline void keep(batch& value) {
#if defined(__AVX512F__)
  __m512 kept = value;
  asm("" : "+v"(kept));
  value = batch(kept);
#else
  (void)value;
#endif
}

inline batch broadcast(float value) { return batch(value); }
inline batch load(const float* from) { return batch::load_unaligned(from); }
inline void store(float* to, const batch& b) { b.store_unaligned(to); }

/// The same for `Values` = batch or half.
template <class Values>
Values broadcast_as(float value) {
  return broadcast(value);
}
template <class Values>
Values load_as(const float* from) {
  return load(from);
}

/// Hints to bring the cache line there close, to read or to write it. Any address will do. Always inlined:
/// g++ may take a function of a hint alone for one without effect and drop its calls.
[[gnu::always_inline]] inline void prefetch(const void* line) { __builtin_prefetch(line); }
[[gnu::always_inline]] inline void prefetch_to_write(const void* line) { __builtin_prefetch(line, 1); }
/// To read it, from the second-level cache: the first level keeps few lines on the way from memory.
[[gnu::always_inline]] inline void prefetch_far(const void* line) { __builtin_prefetch(line, 0, 2); }

/// Lane by lane a > b ? a : b; of two zeros, NEON takes the larger sign.
inline batch max(const batch& a, const batch& b) {
#if defined(__AVX512F__)
  return batch(_mm512_maskz_max_ps(0xffff, a, b));  // GCC 12 warns about its own unmasked form (bug 105593)
#else
  return xsimd::max(a, b);
#endif
}

/// Lane by lane a < b ? a : b; of two zeros, NEON takes the smaller sign.
inline batch min(const batch& a, const batch& b) {
#if defined(__AVX512F__)
  return batch(_mm512_maskz_min_ps(0xffff, a, b));
#else
  return xsimd::min(a, b);
#endif
}

#if defined(__GNUC__) && !defined(__clang__)
  #pragma GCC diagnostic push
  #pragma GCC diagnostic ignored "-Wuninitialized"  // the same bug, inside xsimd
  #pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#endif
// Where functions of many steps are taken from. xsimd 8.1's selection of bytes and words for AVX-512BW, which
// its logarithm instantiates and never calls, does not compile with g++ -O0.
#if defined(__AVX512F__)
using function_batch = xsimd::batch<float, xsimd::avx512f>;
inline function_batch argument(const batch& x) { return function_batch(static_cast<__m512>(x)); }
inline batch value(const function_batch& y) { return batch(static_cast<__m512>(y)); }
#else
inline const batch& argument(const batch& x) { return x; }
inline const batch& value(const batch& y) { return y; }
#endif

/// Within a few units in the last place of the exact value; the last bits are the instruction set's.
inline batch exp(const batch& x) { return value(xsimd::exp(argument(x))); }
inline batch log(const batch& x) { return value(xsimd::log(argument(x))); }
inline batch tanh(const batch& x) { return value(xsimd::tanh(argument(x))); }
#if defined(__GNUC__) && !defined(__clang__)
  #pragma GCC diagnostic pop
#endif

/// a · b + c, rounded once wherever the instruction set can. (xsimd 8.1 has no such form for AVX-512, and
/// leaves it to the compiler.)
inline batch multiply_add(const batch& a, const batch& b, const batch& c) {
#if defined(__AVX512F__)
  return batch(_mm512_fmadd_ps(a, b, c));
#else
  return xsimd::fma(a, b, c);
#endif
}

/// Correctly rounded. (xsimd 8.1 approximates on NEON; what compilers make of the operator is exact, lane by
/// lane where 32-bit NEON has no division.)
inline batch divide(const batch& a, const batch& b) {
#if defined(__ARM_NEON)
  return batch(static_cast<float32x4_t>(a) / static_cast<float32x4_t>(b));
#else
  return a / b;
#endif
}

/// The sum of all lanes; the order of the additions is the instruction set's.
inline float reduce_add(const batch& b) {
#if XSIMD_VERSION_MAJOR > 8
  return xsimd::reduce_add(b);
#else
  return xsimd::hadd(b);
#endif
}

#if defined(__AVX__) && !defined(__AVX512F__)
/// All bits of the first `count` lanes.
inline __m256i first_lanes(std::size_t count) {
  static constexpr int bits[16] = {-1, -1, -1, -1, -1, -1, -1, -1};
  return _mm256_castps_si256(_mm256_loadu_ps(reinterpret_cast<const float*>(bits + lanes - count)));
}
#endif

/// The first `count` ≤ lanes floats; the other lanes are zero. (Not by way of memory: a register that is read
/// from several stores waits until these are done.)
inline batch load_first(const float* from, std::size_t count) {
#if defined(__AVX512F__)
  return batch(_mm512_maskz_loadu_ps(static_cast<__mmask16>((1u << count) - 1u), from));
#elif defined(__AVX__)
  return batch(_mm256_maskload_ps(from, first_lanes(count)));
#else
  static_assert(lanes == 4, "iop: registers of four floats are expected here.");
  const float none = 0.0f;
  if (count == lanes) return load(from);
  const batch::register_type values = {count > 0 ? from[0] : none, count > 1 ? from[1] : none,
                                       count > 2 ? from[2] : none, none};
  return batch(values);
#endif
}

/// Lane i is row[at + i] where that exists, that is inside [0, length), and zero elsewhere.
inline batch load_clipped(const float* row, std::ptrdiff_t at, std::size_t length) {
  constexpr auto all = static_cast<std::ptrdiff_t>(lanes);
  const std::ptrdiff_t begin = std::clamp<std::ptrdiff_t>(-at, 0, all);
  const std::ptrdiff_t end = std::clamp<std::ptrdiff_t>(static_cast<std::ptrdiff_t>(length) - at, begin, all);
  if (begin == end) return broadcast(0.0f);  // of a row that may be null
#if defined(__AVX512F__)
  return batch(_mm512_maskz_loadu_ps(static_cast<__mmask16>((1u << end) - (1u << begin)), row + at));
#elif defined(__AVX__)
  const __m256 before = _mm256_castsi256_ps(first_lanes(static_cast<std::size_t>(begin))),
               all_up_to = _mm256_castsi256_ps(first_lanes(static_cast<std::size_t>(end)));
  return batch(_mm256_maskload_ps(row + at, _mm256_castps_si256(_mm256_andnot_ps(before, all_up_to))));
#else
  float padded[lanes] = {};
  for (std::ptrdiff_t i = begin; i < end; ++i) padded[i] = row[at + i];
  return load(padded);
#endif
}

template <class Values>
Values load_first_as(const float* from, std::size_t count) {
  return load_first(from, count);
}

#if defined(__AVX512F__)
template <>
inline half broadcast_as<half>(float value) {
  return {_mm256_set1_ps(value)};
}
template <>
inline half load_as<half>(const float* from) {
  return {_mm256_loadu_ps(from)};
}
template <>
inline half load_first_as<half>(const float* from, std::size_t count) {
  return {_mm512_castps512_ps256(load_first(from, count))};
}
inline half operator+(const half& a, const half& b) { return {_mm256_add_ps(a.values, b.values)}; }
inline half multiply_add(const half& a, const half& b, const half& c) {
  return {_mm256_fmadd_ps(a.values, b.values, c.values)};
}
inline half max(const half& a, const half& b) { return {_mm256_max_ps(a.values, b.values)}; }
inline half min(const half& a, const half& b) { return {_mm256_min_ps(a.values, b.values)}; }
inline void store(float* to, const half& b) { _mm256_storeu_ps(to, b.values); }
#endif

/// Stores the first `count` ≤ lanes lanes and writes nothing else.
inline void store_first(float* to, const batch& b, std::size_t count) {
#if defined(__AVX512F__)
  _mm512_mask_storeu_ps(to, static_cast<__mmask16>((1u << count) - 1u), b);
#elif defined(__AVX__)
  const __m256 all = b;
  if (count == lanes) return _mm256_storeu_ps(to, all);
  __m128 four = _mm256_castps256_ps128(all);
  if ((count & 4) != 0) {
    _mm_storeu_ps(to, four);
    four = _mm256_extractf128_ps(all, 1);
    to += 4;
  }
  if ((count & 2) != 0) {
    _mm_storel_pi(reinterpret_cast<__m64*>(to), four);
    four = _mm_movehl_ps(four, four);
    to += 2;
  }
  if ((count & 1) != 0) _mm_store_ss(to, four);
#else
  float all[lanes];
  store(all, b);
  for (std::size_t i = 0; i < count; ++i) to[i] = all[i];
#endif
}

#if defined(__AVX512F__)
inline void store_first(float* to, const half& b, std::size_t count) {
  store_first(to, batch(_mm512_castps256_ps512(b.values)), count);
}
#endif

}  // namespace iop::kernel::simd
