// SPDX-License-Identifier: MIT
#include <iop/kernel/simd.hpp>

#include <cmath>
#include <vector>

#include "catch.hpp"

namespace simd = iop::kernel::simd;

TEST_CASE("partial loads and stores touch what they are told to", "[kernel][simd]") {
  for (std::size_t count = 0; count <= simd::lanes; ++count) {
    std::vector<float> from(count);  // exactly as long, for the address sanitizer
    for (std::size_t i = 0; i < count; ++i) from[i] = static_cast<float>(i + 1);
    const simd::batch loaded = simd::load_first(from.data(), count);
    float all[simd::lanes];
    simd::store(all, loaded);
    for (std::size_t i = 0; i < simd::lanes; ++i)
      REQUIRE(all[i] == (i < count ? static_cast<float>(i + 1) : 0.0f));

    std::vector<float> to(count);
    simd::store_first(to.data(), loaded, count);
    REQUIRE(to == from);

    float guarded[simd::lanes + 1] = {};
    simd::store_first(guarded, simd::broadcast(1.0f), count);
    for (std::size_t i = 0; i <= simd::lanes; ++i) REQUIRE(guarded[i] == (i < count ? 1.0f : 0.0f));
  }
}

TEST_CASE("a clipped load is zero beside the row", "[kernel][simd]") {
  constexpr auto lanes = static_cast<std::ptrdiff_t>(simd::lanes);
  for (std::size_t length = 0; length <= 2 * simd::lanes + 1; ++length) {
    std::vector<float> row(length);  // exactly as long, for the address sanitizer
    for (std::size_t i = 0; i < length; ++i) row[i] = static_cast<float>(i + 1);
    for (std::ptrdiff_t at = -lanes - 1; at <= static_cast<std::ptrdiff_t>(length) + 1; ++at) {
      float all[simd::lanes];
      simd::store(all, simd::load_clipped(row.data(), at, length));
      for (std::ptrdiff_t i = 0; i < lanes; ++i) {
        const bool is_inside = at + i >= 0 && at + i < static_cast<std::ptrdiff_t>(length);
        REQUIRE(all[i] == (is_inside ? static_cast<float>(at + i + 1) : 0.0f));
      }
    }
  }
}

TEST_CASE("batches compute lane by lane", "[kernel][simd]") {
  float a[simd::lanes], out[simd::lanes], sum = 0;
  for (std::size_t i = 0; i < simd::lanes; ++i) sum += a[i] = static_cast<float>(i) - 3.0f;
  simd::store(out, simd::multiply_add(simd::load(a), simd::broadcast(2.0f), simd::broadcast(5.0f)));
  for (std::size_t i = 0; i < simd::lanes; ++i) REQUIRE(out[i] == a[i] * 2.0f + 5.0f);
  simd::store(out, simd::max(simd::load(a), simd::broadcast(0.0f)));
  for (std::size_t i = 0; i < simd::lanes; ++i) REQUIRE(out[i] == (a[i] > 0.0f ? a[i] : 0.0f));
  REQUIRE(simd::reduce_add(simd::load(a)) == sum);
}

TEST_CASE("division is correctly rounded, also where the instruction set has only an estimate",
          "[kernel][simd]") {
  for (int n = 1; n < 3000; ++n) {
    float a[simd::lanes], b[simd::lanes], out[simd::lanes];
    for (std::size_t i = 0; i < simd::lanes; ++i) {
      a[i] = static_cast<float>(n) - 1500.0f;
      b[i] = static_cast<float>(n * 7 % 997 + 1) + static_cast<float>(i) / 16;
    }
    simd::store(out, simd::divide(simd::load(a), simd::load(b)));
    for (std::size_t i = 0; i < simd::lanes; ++i)
      if (const volatile float expected = a[i] / b[i]; out[i] != expected) REQUIRE(out[i] == expected);
  }
}
