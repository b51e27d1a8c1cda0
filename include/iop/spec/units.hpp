// SPDX-License-Identifier: MIT
#pragma once

// Physical quantities of device and link profiles as distinct types, with literals, so that a bandwidth
// cannot be mistaken for a speed. Decimal prefixes are powers of 1000, binary ones (KiB, MiB, GiB) of 1024.

#include <cstddef>

namespace iop {

/// Floating-point operations per second; one multiply-add is two.
struct compute_rate {
  double flops_per_second = 0;
  friend constexpr bool operator==(compute_rate, compute_rate) = default;
};

/// Bytes per second, of memory or of a link.
struct byte_rate {
  double bytes_per_second = 0;
  friend constexpr bool operator==(byte_rate, byte_rate) = default;
};

struct byte_count {
  std::size_t bytes = 0;
  friend constexpr bool operator==(byte_count, byte_count) = default;
};

struct duration {
  double seconds = 0;
  friend constexpr bool operator==(duration, duration) = default;
};

inline namespace literals {

constexpr compute_rate operator""_MFLOPs(unsigned long long n) { return {static_cast<double>(n) * 1e6}; }
constexpr compute_rate operator""_MFLOPs(long double n) { return {static_cast<double>(n) * 1e6}; }
constexpr compute_rate operator""_GFLOPs(unsigned long long n) { return {static_cast<double>(n) * 1e9}; }
constexpr compute_rate operator""_GFLOPs(long double n) { return {static_cast<double>(n) * 1e9}; }

constexpr byte_rate operator""_MBps(unsigned long long n) { return {static_cast<double>(n) * 1e6}; }
constexpr byte_rate operator""_MBps(long double n) { return {static_cast<double>(n) * 1e6}; }
constexpr byte_rate operator""_GBps(unsigned long long n) { return {static_cast<double>(n) * 1e9}; }
constexpr byte_rate operator""_GBps(long double n) { return {static_cast<double>(n) * 1e9}; }
constexpr byte_rate operator""_Mbitps(unsigned long long n) { return {static_cast<double>(n) * 1e6 / 8}; }
constexpr byte_rate operator""_Mbitps(long double n) { return {static_cast<double>(n) * 1e6 / 8}; }
constexpr byte_rate operator""_Gbitps(unsigned long long n) { return {static_cast<double>(n) * 1e9 / 8}; }
constexpr byte_rate operator""_Gbitps(long double n) { return {static_cast<double>(n) * 1e9 / 8}; }

constexpr byte_count operator""_B(unsigned long long n) { return {static_cast<std::size_t>(n)}; }
constexpr byte_count operator""_KiB(unsigned long long n) { return {static_cast<std::size_t>(n) << 10}; }
constexpr byte_count operator""_MiB(unsigned long long n) { return {static_cast<std::size_t>(n) << 20}; }
constexpr byte_count operator""_GiB(unsigned long long n) { return {static_cast<std::size_t>(n) << 30}; }

constexpr duration operator""_s(unsigned long long n) { return {static_cast<double>(n)}; }
constexpr duration operator""_s(long double n) { return {static_cast<double>(n)}; }
constexpr duration operator""_ms(unsigned long long n) { return {static_cast<double>(n) * 1e-3}; }
constexpr duration operator""_ms(long double n) { return {static_cast<double>(n) * 1e-3}; }
constexpr duration operator""_us(unsigned long long n) { return {static_cast<double>(n) * 1e-6}; }
constexpr duration operator""_us(long double n) { return {static_cast<double>(n) * 1e-6}; }

}  // namespace literals
}  // namespace iop
