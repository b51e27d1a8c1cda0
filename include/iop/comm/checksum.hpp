// SPDX-License-Identifier: MIT
#pragma once

// A fast 64-bit checksum of a payload: eight independent lanes of xor, multiply, shift, so that a core does
// one multiplication per 8 bytes and never waits for the one before. Every step is a bijection of its lane:
// one changed word always changes the sum. It guards against mistakes and broken hardware, not against
// attackers. The bytes may come in pieces, hashed while they are still in the cache.

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>

namespace iop::comm {

class checksum {
 public:
  static constexpr std::size_t block_bytes = 64;

  /// Takes in the whole blocks at the front of `bytes` and returns how many bytes that were.
  std::size_t add_blocks(std::span<const std::byte> bytes) {
    auto lanes = lanes_;  // a copy, so that the lanes stay in registers
    const std::byte* const begin = bytes.data();
    const std::size_t whole = bytes.size() - bytes.size() % block_bytes;
    for (std::size_t at = 0; at < whole; at += block_bytes) {
      for (std::size_t i = 0; i < lanes.size(); ++i) {
        std::uint64_t word = 0;
        std::memcpy(&word, begin + at + 8 * i, 8);
        lanes[i] = mix(lanes[i], word);
      }
    }
    lanes_ = lanes;
    return whole;
  }

  /// Takes in the last, incomplete block, and gives the sum of all. `seed` is part of the sum.
  std::uint64_t finish(std::span<const std::byte> rest, std::uint64_t seed = 0) {
    std::array<std::byte, block_bytes> last{};
    if (!rest.empty()) std::memcpy(last.data(), rest.data(), rest.size());
    add_blocks(last);
    std::uint64_t sum = mix(seed, rest.size());
    for (const std::uint64_t lane : lanes_) sum = mix(sum, lane);
    return sum;
  }

 private:
  static constexpr std::uint64_t mix(std::uint64_t lane, std::uint64_t word) {
    const std::uint64_t product = (lane ^ word) * 0x9e3779b97f4a7c15u;
    return product ^ (product >> 32);
  }

  std::array<std::uint64_t, 8> lanes_{1, 2, 3, 4, 5, 6, 7, 8};
};

/// The checksum of bytes that are all there.
inline std::uint64_t checksum_of(std::span<const std::byte> bytes, std::uint64_t seed = 0) {
  checksum sum;
  const std::size_t hashed = sum.add_blocks(bytes);
  return sum.finish(bytes.subspan(hashed), seed);
}

}  // namespace iop::comm
