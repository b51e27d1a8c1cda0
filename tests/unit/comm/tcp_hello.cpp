// SPDX-License-Identifier: MIT
#include <iop/comm/tcp_hello.hpp>

#include "catch.hpp"

#include <algorithm>

using namespace iop::comm;
using iop::errc;

namespace {
constexpr identity plan_a{0xabc, 0xdef, 3};

/// Rank 2 calls rank 0.
constexpr tcp_hello callers{.rank = 2, .called = 0, .what = plan_a};
constexpr tcp_hello answer{.rank = 0, .called = 2, .what = plan_a};

iop::error as_caller(const tcp_hello& theirs) { return judge(callers, theirs, true, "there:1"); }
iop::error as_answerer(const tcp_hello& theirs) {
  return judge({.rank = 0, .called = theirs.rank, .what = plan_a}, theirs, false, "there:1");
}
}  // namespace

TEST_CASE("ranks of one deployment suit each other", "[comm]") {
  CHECK_FALSE(as_caller(decode_hello(answer.encode())));
  CHECK_FALSE(as_answerer(decode_hello(callers.encode())));
  CHECK(decode_hello(callers.encode()).is_ours());
}

TEST_CASE("both sides say what differs", "[comm]") {
  tcp_hello other = callers;
  other.what.plan_digest = 0x123;
  CHECK(as_answerer(other).message.view() ==
        "rank 2 at there:1 runs plan 0x0000000000000123, this rank 0 runs plan 0x0000000000000def: build "
        "both from "
        "the same deployment");
  CHECK(as_answerer(other).code == errc::protocol);
  CHECK(as_answerer(other).rank == 2);
  other = answer;
  other.what.network_digest = 0x123;
  CHECK(as_caller(other).message.view() ==
        "rank 0 at there:1 runs network 0x0000000000000123, this rank 2 runs network 0x0000000000000abc: "
        "build both "
        "from the same deployment");
  other = answer;
  other.what.ranks = 4;
  CHECK(as_caller(other).message.view() ==
        "rank 0 at there:1 is one of 4 ranks, this rank 2 is one of 3: build both from the same deployment");
}

TEST_CASE("weights that differ are told", "[comm]") {
  tcp_hello other = callers;
  other.what.weights_digest = 0x12;
  CHECK(as_answerer(decode_hello(other.encode())).message.view() ==
        "rank 2 at there:1 has weights 0x0000000000000012, this rank 0 has weights 0x0000000000000000: give "
        "both the same weights");
}

TEST_CASE("endpoints that are mixed up are found out on both sides", "[comm]") {
  tcp_hello other = answer;
  other.rank = 1;
  CHECK(as_caller(other).message.view() ==
        "rank 1 answers at there:1, where this rank 2 was told to find rank 0: give all ranks the same "
        "endpoints");
  other = callers;
  other.called = 1;
  CHECK(as_answerer(other).message.view() ==
        "rank 2 at there:1 called this rank 0 as rank 1: give all ranks the same endpoints");
}

TEST_CASE("a rank exists once", "[comm]") {
  tcp_hello other = answer;
  other.taken = true;
  CHECK(as_caller(decode_hello(other.encode())).message.view() ==
        "two processes say that they are rank 2: rank 0 at there:1 knows another one already");
  other = callers;
  other.rank = 0;
  CHECK(as_answerer(other).message.view() ==
        "two processes say that they are rank 0: this one and one at there:1");
  other.rank = 3;
  CHECK(as_answerer(other).code == errc::protocol);
}

TEST_CASE("what is no hello is noticed with the first wrong byte", "[comm]") {
  const auto sound = callers.encode();
  for (std::size_t count = 0; count <= sound.size(); ++count) {
    CHECK(hello_bytes_missing(sound, count) == sound.size() - count);
  }
  for (std::size_t wrong = 0; wrong < 16; ++wrong) {
    auto damaged = sound;
    damaged[wrong] ^= std::byte{1};
    CHECK(hello_bytes_missing(damaged, wrong) == sound.size() - wrong);
    CHECK(hello_bytes_missing(damaged, wrong + 1) == 0);
    CHECK_FALSE(decode_hello(damaged).is_ours());
  }
}
