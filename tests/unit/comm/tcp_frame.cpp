// SPDX-License-Identifier: MIT
#include <iop/comm/tcp_frame.hpp>

#include "catch.hpp"

#include <random>
#include <vector>

using namespace iop::comm;
using iop::errc;

TEST_CASE("a frame comes back as it was", "[comm]") {
  const std::vector<std::byte> payload(1000, std::byte{3});
  const tcp_frame sent = data_frame(7, 8, payload);
  const tcp_frame got = decode_frame(sent.encode());
  CHECK(got.kind == tcp_frame::data);
  CHECK(got.step == 7);
  CHECK(got.number == 8);
  CHECK(got.bytes == 1000);
  CHECK(got.sum == checksum_of(payload, got.seed()));
  CHECK(notice_of(got, 1) == notice{});
}

TEST_CASE("a stop frame carries a notice", "[comm]") {
  for (const notice told :
       {notice{errc::time_out, 1, 2, 3}, notice{errc::system, 1, iop::error::nowhere, iop::error::nowhere}}) {
    CHECK(notice_of(decode_frame(stop_frame(told).encode()), 1) == told);
  }
}

TEST_CASE("a damaged stop frame is no stop frame", "[comm]") {
  const tcp_frame::header sound = stop_frame({errc::time_out, 1, 2, 3}).encode();
  for (std::size_t bit = 0; bit < 8 * sound.size(); ++bit) {
    tcp_frame::header damaged = sound;
    damaged[bit / 8] ^= static_cast<std::byte>(1u << (bit % 8));
    CHECK(notice_of(decode_frame(damaged), 1).code == errc::none);
  }
  std::mt19937_64 engine(1);
  for (int i = 0; i < 10'000; ++i) {
    tcp_frame random{engine(), engine(), engine(), engine() % 16, engine()};
    if (i % 2 == 0) random.kind = tcp_frame::stop;
    if (notice_of(random, 1).code != errc::none) FAIL("a random frame was believed");
  }
}

TEST_CASE("a goodbye is no notice, and a damaged one is none", "[comm]") {
  const tcp_frame::header sound = goodbye_frame().encode();
  CHECK(is_goodbye(decode_frame(sound)));
  CHECK(notice_of(decode_frame(sound), 1).code == errc::none);
  for (std::size_t bit = 0; bit < 8 * sound.size(); ++bit) {
    tcp_frame::header damaged = sound;
    damaged[bit / 8] ^= static_cast<std::byte>(1u << (bit % 8));
    CHECK_FALSE(is_goodbye(decode_frame(damaged)));
  }
}
