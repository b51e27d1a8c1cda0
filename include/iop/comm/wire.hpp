// SPDX-License-Identifier: MIT
#pragma once

// Whole numbers as bytes on the wire: 64-bit words, least significant byte first, whatever the machine.
// Everything that iop frames or greets with is a short fixed list of such words.

#include <array>
#include <cstddef>
#include <cstdint>

namespace iop::comm {

/// The words as bytes, eight for each.
template <std::size_t Count>
constexpr std::array<std::byte, 8 * Count> to_bytes(const std::array<std::uint64_t, Count>& words) {
  std::array<std::byte, 8 * Count> bytes{};
  for (std::size_t i = 0; i < 8 * Count; ++i)
    bytes[i] = static_cast<std::byte>(words[i / 8] >> (8 * (i % 8)));
  return bytes;
}

/// The inverse of `to_bytes`.
template <std::size_t Bytes>
constexpr std::array<std::uint64_t, Bytes / 8> to_words(const std::array<std::byte, Bytes>& bytes) {
  static_assert(Bytes % 8 == 0, "a list of words has a multiple of 8 bytes");
  std::array<std::uint64_t, Bytes / 8> words{};
  for (std::size_t i = 0; i < Bytes; ++i)
    words[i / 8] |= static_cast<std::uint64_t>(bytes[i]) << (8 * (i % 8));
  return words;
}

/// Eight characters as the word that shows them on the wire in reading order.
constexpr std::uint64_t word_of(const char (&characters)[9]) {
  std::uint64_t word = 0;
  for (std::size_t i = 0; i < 8; ++i) {
    word |= static_cast<std::uint64_t>(static_cast<unsigned char>(characters[i])) << (8 * i);
  }
  return word;
}

}  // namespace iop::comm
