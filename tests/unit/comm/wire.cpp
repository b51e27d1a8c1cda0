// SPDX-License-Identifier: MIT
#include <iop/comm/wire.hpp>

#include "catch.hpp"

#include <string_view>

using namespace iop::comm;

static_assert(to_words(to_bytes(std::array<std::uint64_t, 2>{0x0123456789abcdefu, ~0ull})) ==
              std::array<std::uint64_t, 2>{0x0123456789abcdefu, ~0ull});
static_assert(to_bytes(std::array<std::uint64_t, 1>{0x0102})[0] == std::byte{2});
static_assert(to_bytes(std::array<std::uint64_t, 1>{0x0102})[1] == std::byte{1});

TEST_CASE("a word of characters can be read on the wire", "[comm]") {
  const auto bytes = to_bytes(std::array{word_of("iop:mesh")});
  CHECK(std::string_view(reinterpret_cast<const char*>(bytes.data()), 8) == "iop:mesh");
}
