// SPDX-License-Identifier: MIT
#include <iop/comm/checksum.hpp>

#include "catch.hpp"

#include <random>
#include <set>
#include <vector>

using iop::comm::checksum;
using iop::comm::checksum_of;

namespace {
std::vector<std::byte> random_bytes(std::size_t size) {
  std::mt19937 engine(static_cast<unsigned>(size));
  std::vector<std::byte> bytes(size);
  for (std::byte& each : bytes) each = static_cast<std::byte>(engine());
  return bytes;
}
}  // namespace

TEST_CASE("every single changed bit changes the checksum", "[comm]") {
  for (const std::size_t size : {1u, 7u, 8u, 63u, 64u, 65u, 200u}) {
    std::vector<std::byte> bytes = random_bytes(size);
    std::set<std::uint64_t> seen{checksum_of(bytes)};
    for (std::size_t bit = 0; bit < 8 * size; ++bit) {
      bytes[bit / 8] ^= static_cast<std::byte>(1u << (bit % 8));
      seen.insert(checksum_of(bytes));
      bytes[bit / 8] ^= static_cast<std::byte>(1u << (bit % 8));
    }
    CHECK(seen.size() == 8 * size + 1);
  }
}

TEST_CASE("two changed bits do not cancel out", "[comm]") {
  std::vector<std::byte> bytes = random_bytes(256);
  const std::uint64_t before = checksum_of(bytes);
  for (std::size_t a = 0; a < bytes.size(); ++a) {
    for (std::size_t b = a + 1; b < bytes.size(); ++b) {
      bytes[a] ^=
          std::byte{0x80};  // the highest bit of a word is the one that a multiplication spreads least
      bytes[b] ^= std::byte{0x80};
      if (checksum_of(bytes) == before) FAIL("bytes " << a << " and " << b);
      bytes[a] ^= std::byte{0x80};
      bytes[b] ^= std::byte{0x80};
    }
  }
}

TEST_CASE("length, order and seed are part of the checksum", "[comm]") {
  std::set<std::uint64_t> seen;
  for (std::size_t size = 0; size < 200; ++size) seen.insert(checksum_of(std::vector<std::byte>(size)));
  CHECK(seen.size() == 200);
  const std::vector<std::byte> bytes = random_bytes(128);
  std::vector<std::byte> swapped(bytes.begin() + 64, bytes.end());
  swapped.insert(swapped.end(), bytes.begin(), bytes.begin() + 64);
  CHECK(checksum_of(bytes) != checksum_of(swapped));
  CHECK(checksum_of(bytes, 1) != checksum_of(bytes, 2));
}

TEST_CASE("bytes that come in pieces have the same checksum", "[comm]") {
  const std::vector<std::byte> bytes = random_bytes(10'007);
  for (const std::size_t piece : {1u, 63u, 64u, 65u, 1000u, 20'000u}) {
    checksum sum;
    std::size_t hashed = 0;
    for (std::size_t there = 0; there < bytes.size();) {
      there = std::min(bytes.size(), there + piece);
      hashed += sum.add_blocks(std::span(bytes).subspan(hashed, there - hashed));
    }
    CHECK(sum.finish(std::span(bytes).subspan(hashed), 42) == checksum_of(bytes, 42));
  }
}
