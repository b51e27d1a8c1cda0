// SPDX-License-Identifier: MIT
#pragma once

// What this core can do at this moment: multiply-adds that never leave the registers, and reading more memory
// than any cache holds. Machines are shared and their clocks vary, so a share of the peak is only worth
// something when the peak was measured next to it.

#include <iop/file/huge_pages.hpp>
#include <iop/kernel/simd.hpp>

#include <algorithm>
#include <cstddef>

#include <time.h>

namespace iop_bench {

/// Seconds that this process has been running, all its threads together. Being interrupted does not count,
/// nor does a library gain by threads that it was asked not to use.
inline double busy_seconds() {
  timespec now{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

/// The compiler must take it that `value` is read and has changed. Outside of loops only: it goes through
/// memory.
inline void touch(iop::kernel::simd::batch& value) { asm volatile("" : "+m"(value)); }

/// Fused multiply-adds of `rounds` rounds of independent chains: more than latency × throughput of any core
/// known to us, and few enough for 16 registers.
struct multiply_add_chains {
  static constexpr std::size_t chains = 12;
  static constexpr double flops_of(std::size_t rounds) {
    return 2.0 * static_cast<double>(rounds * chains * iop::kernel::simd::lanes);
  }

  /// Not inlined: where a caller needs registers too, g++ has kept the sums in memory, at half the speed.
  [[gnu::noinline]] static void run(std::size_t rounds) {
    namespace simd = iop::kernel::simd;
    simd::batch sum[chains];
    for (simd::batch& s : sum) s = simd::broadcast(0.0f);
    simd::batch a = simd::broadcast(0.5f), b = simd::broadcast(0.25f);
    touch(a);
    touch(b);
    for (std::size_t i = 0; i < rounds; ++i)
#pragma GCC unroll 12
      for (std::size_t c = 0; c < chains; ++c) sum[c] = simd::multiply_add(sum[c], a, b);
    for (simd::batch& s : sum) touch(s);
  }
};

/// The best FLOP/s of some runs of about 1 ms each.
inline double measure_peak_flops(int runs = 5) {
  constexpr std::size_t rounds = 600'000;
  double best = 0;
  for (int i = 0; i < runs; ++i) {
    const double start = busy_seconds();
    multiply_add_chains::run(rounds);
    best = std::max(best, multiply_add_chains::flops_of(rounds) / (busy_seconds() - start));
  }
  return best;
}

/// Bytes per second of reading much memory on huge pages from end to end, by one stream or two: whichever is
/// quicker differs from machine to machine.
class read_probe {
 public:
  double measure(int runs = 3) const {
    double best = 0;
    for (int run = 0; run < runs; ++run) best = std::max({best, read<1>(), read<2>()});
    return best;
  }

 private:
  static constexpr std::size_t batches = 8, step = batches * iop::kernel::simd::lanes;
  static constexpr std::size_t floats = (std::size_t{160} << 20) / sizeof(float) / (2 * step) * (2 * step);
  struct memory {
    float values[floats];
    memory() { std::fill_n(values, floats, 1.0f); }
  };

  template <std::size_t Streams>
  double read() const {
    namespace simd = iop::kernel::simd;
    constexpr std::size_t length = floats / Streams, each = batches / Streams;
    const double start = busy_seconds();
    simd::batch sum[batches];
    for (simd::batch& s : sum) s = simd::broadcast(0.0f);
    for (std::size_t i = 0; i < length; i += each * simd::lanes)
#pragma GCC unroll 8
      for (std::size_t b = 0; b < batches; ++b)
        sum[b] = sum[b] + simd::load(data_->values + b / each * length + i + b % each * simd::lanes);
    for (simd::batch& s : sum) touch(s);
    return static_cast<double>(floats * sizeof(float)) / (busy_seconds() - start);
  }

  iop::file::huge_page_ptr<memory> data_ = iop::file::make_on_huge_pages<memory>();
};

}  // namespace iop_bench
