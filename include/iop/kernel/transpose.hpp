// SPDX-License-Identifier: MIT
#pragma once

// From registers whose lanes are pixels to memory where the channels of a pixel are neighbours. Four channels
// at a time are transposed within each four lanes, which every instruction set can; what is written is
// exactly the channels of the pixels.

#include <iop/kernel/simd.hpp>

#include <cstddef>
#include <cstring>
#include <utility>

namespace iop::kernel {

namespace detail {

using lane_indices = std::make_index_sequence<simd::lanes>;

/// Lane i is lane of(i) of `a` and `b` one behind the other.
template <class Of, std::size_t... I>
simd::batch shuffled(const simd::batch& a, const simd::batch& b, Of, std::index_sequence<I...>) {
  const simd::batch::register_type x = a, y = b;
  return simd::batch(simd::batch::register_type(__builtin_shufflevector(x, y, Of{}(I)...)));
}

/// In every four lanes: a and b in turn, of the first two lanes of both or (Half = 1) of the last two.
template <std::size_t Half>
simd::batch zip(const simd::batch& a, const simd::batch& b) {
  constexpr auto of = [](std::size_t i) {
    return static_cast<int>(i / 4 * 4 + 2 * Half + i % 4 / 2 + (i % 2 == 1 ? simd::lanes : 0));
  };
  return shuffled(a, b, of, lane_indices{});
}

/// In every four lanes: the first two of a, then of b, or (Half = 1) the last two.
template <std::size_t Half>
simd::batch join(const simd::batch& a, const simd::batch& b) {
  constexpr auto of = [](std::size_t i) {
    return static_cast<int>(i / 4 * 4 + 2 * Half + i % 2 + (i % 4 >= 2 ? simd::lanes : 0));
  };
  return shuffled(a, b, of, lane_indices{});
}

/// The first `Count` of the four lanes from `First` on.
template <std::size_t First, std::size_t Count>
void store_lanes(const simd::batch& values, float* to) {
  const simd::batch::register_type x = values;
  constexpr int at = static_cast<int>(First);
  const auto four = __builtin_shufflevector(x, x, at, at + 1, at + 2, at + 3);
  std::memcpy(to, &four, Count * sizeof(float));
}

/// Channel c of pixel p is lane p of `abcd`[c], of which `Count` are written, for as many fours of pixels.
template <std::size_t Count, std::size_t... Four>
[[gnu::always_inline]] inline void store_four(const simd::batch (&abcd)[4], float* out, std::size_t step,
                                              std::index_sequence<Four...>) {
  const simd::batch ab[2]{zip<0>(abcd[0], abcd[1]), zip<1>(abcd[0], abcd[1])};
  const simd::batch cd[2]{zip<0>(abcd[2], abcd[3]), zip<1>(abcd[2], abcd[3])};
  const simd::batch pixel[4]{join<0>(ab[0], cd[0]), join<1>(ab[0], cd[0]), join<0>(ab[1], cd[1]),
                             join<1>(ab[1], cd[1])};
  (..., [&](float* to) {
    store_lanes<4 * Four, Count>(pixel[0], to);
    store_lanes<4 * Four, Count>(pixel[1], to + step);
    store_lanes<4 * Four, Count>(pixel[2], to + 2 * step);
    store_lanes<4 * Four, Count>(pixel[3], to + 3 * step);
  }(out + 4 * Four * step));
}

}  // namespace detail

/// The larger of each two neighbouring lanes, in the first half of the lanes.
inline simd::batch max_of_pairs(const simd::batch& a) {
  constexpr auto even = [](std::size_t i) { return static_cast<int>(2 * i % simd::lanes); };
  constexpr auto odd = [](std::size_t i) { return static_cast<int>((2 * i + 1) % simd::lanes); };
  return simd::max(detail::shuffled(a, a, even, detail::lane_indices{}),
                   detail::shuffled(a, a, odd, detail::lane_indices{}));
}

/// Writes `Pixels` pixels, a multiple of four, `step` floats apart: channel c of pixel p is lane p of
/// channels[c].
template <std::size_t Pixels = simd::lanes, std::size_t Channels>
void store_pixels(const simd::batch (&channels)[Channels], float* out, std::size_t step) {
  static_assert(Pixels % 4 == 0 && Pixels <= simd::lanes, "iop: pixels are stored by fours.");
  [&]<std::size_t... Block>(std::index_sequence<Block...>) {
    const auto four = [&]<std::size_t First>(std::integral_constant<std::size_t, First>) {
      constexpr std::size_t count = Channels - First < 4 ? Channels - First : 4;
      const auto at = [&](std::size_t c) -> const simd::batch& {
        return channels[First + (c < count ? c : 0)];
      };
      detail::store_four<count>({at(0), at(1), at(2), at(3)}, out + First, step,
                                std::make_index_sequence<Pixels / 4>{});
    };
    (..., four(std::integral_constant<std::size_t, 4 * Block>{}));
  }
  (std::make_index_sequence<(Channels + 3) / 4>{});
}

}  // namespace iop::kernel
