// SPDX-License-Identifier: MIT
// What is true of exchanges over TCP only; the rest is in transport.cpp.

#include <iop/comm/tcp.hpp>

#include "catch.hpp"
#include "ranks.hpp"

#include <array>
#include <functional>
#include <random>
#include <vector>

using namespace test;
using iop::errc;

namespace {

/// What rank 0 reports when it waits for `size` bytes in step 3 from a rank 1 that joins and then does `act`.
report against(std::size_t size, const std::function<void(stranger&)>& act) {
  ports at(2);
  std::thread impostor([&, port = at.endpoints[0].port] {
    stranger peer(port);
    if (!peer.join(1, of(2))) return;
    act(peer);
    peer.hear(1 << 20, 1'000ms);
  });
  report mine;
  tcp_mesh mesh;
  mine.reason = mesh.connect(std::move(at.listeners[0]), 0, at.endpoints, of(2), {2'000ms, 300ms});
  std::vector<std::byte> bytes(size);
  const auto start = clock::now();
  if (!mine.reason) mine.reason = mesh.exchange(3, {}, std::array{incoming{1, bytes}});
  mine.took = std::chrono::duration_cast<std::chrono::milliseconds>(clock::now() - start);
  mesh.leave();
  impostor.join();
  return mine;
}

}  // namespace

TEST_CASE("a peer that plays by the rules is believed", "[comm]") {
  const auto payload = test::payload(1, 0, 3, 0, 100);
  const report got = against(100, [&](stranger& peer) {
    peer.say(data_frame(3, 0, payload).encode());
    std::this_thread::sleep_for(5ms);
    for (const std::byte each : payload) peer.say(std::array{each});
  });
  CHECK(text_of(got) == "");
}

TEST_CASE("garbage after the greeting is an error at once", "[comm]") {
  const report got = against(100, [](stranger& peer) { peer.say(std::vector<char>(1000, 'x')); });
  CHECK(text_of(got) == "rank 1 sent something that is no frame; rank 0 is in step 3");
  CHECK(got.reason.code == errc::protocol);
  CHECK(got.reason.rank == 1);
  CHECK(got.reason.step == 3);
  CHECK(got.took < 250ms);
}

TEST_CASE("a corrupted payload is noticed", "[comm]") {
  const report got = against(100, [](stranger& peer) {
    auto payload = test::payload(1, 0, 3, 0, 100);
    peer.say(data_frame(3, 0, payload).encode());
    payload[57] ^= std::byte{1};
    peer.say(payload);
  });
  CHECK(text_of(got) == "rank 1 sent a message whose checksum is wrong; rank 0 is in step 3");
  CHECK(got.reason.code == errc::protocol);
}

TEST_CASE("a length without end is refused before it is read", "[comm]") {
  const report got = against(100, [](stranger& peer) {
    tcp_frame frame = data_frame(3, 0, {});
    frame.bytes = ~0ull;
    peer.say(frame.encode());
  });
  CHECK(text_of(got) ==
        "rank 1 sent a message of 18446744073709551615 bytes instead of 100; rank 0 is in step 3");
}

TEST_CASE("a frame that is repeated is noticed", "[comm]") {
  const report got = against(0, [](stranger& peer) { peer.say(data_frame(3, 1, {}).encode()); });
  CHECK(text_of(got) == "rank 1 sent message 1 instead of 0; rank 0 is in step 3");
}

TEST_CASE("a peer that closes in the middle of a message is named", "[comm]") {
  const report got = against(100, [](stranger& peer) {
    const auto payload = test::payload(1, 0, 3, 0, 100);
    peer.say(data_frame(3, 0, payload).encode());
    peer.say(std::span(payload).first(50));
    peer.socket.close();
  });
  CHECK(text_of(got) == "rank 1 closed its connection in step 3 with messages due (End of file)");
  CHECK(got.reason.code == errc::disconnected);
  CHECK(got.took < 250ms);
}

TEST_CASE("a reset connection is named", "[comm]") {
  const report got = against(100, [](stranger& peer) {
    peer.socket.set_option(tcp::socket::linger(true, 0));
    peer.socket.close();
  });
  INFO(text_of(got));
  CHECK(got.reason.code == errc::disconnected);
  CHECK(got.reason.rank == 1);
}

TEST_CASE("a peer that stalls in the middle of a message is late", "[comm]") {
  const report got = against(100, [](stranger& peer) {
    peer.say(data_frame(3, 0, test::payload(1, 0, 3, 0, 100)).encode());
    peer.say(std::array<char, 50>{});
  });
  CHECK(text_of(got) == "rank 1 did not answer in step 3 within 300 ms");
  CHECK(got.took >= 290ms);
  CHECK(got.took < 600ms);
}

TEST_CASE("a peer that does not read is late, and the time-out holds", "[comm]") {
  ports at(2);
  std::vector<std::byte> bytes(16 << 20);
  std::thread deaf([&, port = at.endpoints[0].port] {
    stranger peer(port);
    peer.join(1, of(2));
    std::this_thread::sleep_for(600ms);
  });
  tcp_mesh mesh;
  iop::error reason = mesh.connect(std::move(at.listeners[0]), 0, at.endpoints, of(2), {2'000ms, 200ms});
  const auto start = clock::now();
  if (!reason) reason = mesh.exchange(3, std::array{outgoing{1, bytes}}, {});
  const auto took = clock::now() - start;
  deaf.join();
  CHECK(reason.message.view() == "rank 1 did not answer in step 3 within 200 ms");
  CHECK(took < 500ms);
}

TEST_CASE("a notice names the rank at fault", "[comm]") {
  const report got = against(100, [](stranger& peer) {
    peer.say(stop_frame({errc::system, 1, 5, 2}).encode());
  });
  CHECK(text_of(got) == "rank 1 gave up in step 2: rank 5 failed");
  CHECK(got.reason.code == errc::system);
  CHECK(got.reason.rank == 5);
}

TEST_CASE("a header with any bit changed is noticed", "[comm]") {
  std::mt19937 engine(9);
  const auto payload = test::payload(1, 0, 3, 0, 10);
  for (int i = 0; i < 60; ++i) {
    const std::size_t bit = engine() % (8 * tcp_frame::header_bytes);
    const report got = against(10, [&](stranger& peer) {
      auto header = data_frame(3, 0, payload).encode();
      header[bit / 8] ^= static_cast<std::byte>(1u << (bit % 8));
      peer.say(header);
      peer.say(payload);
    });
    INFO("bit " << bit << ": " << text_of(got));
    CHECK(got.reason.code == errc::protocol);
    CHECK(got.took < 250ms);
  }
}

TEST_CASE("giving up looks at its deadline while a peer goes on sending", "[comm]") {
  asio::io_context context;
  tcp::acceptor server(context, {asio::ip::make_address("127.0.0.1"), 0});
  stranger peer(server.local_endpoint().port());
  tcp_link link(server.accept(), 0, 1);
  link.socket().non_blocking(true);
  const std::vector<char> much(128 << 10, 'x');
  REQUIRE(peer.socket.write_some(asio::buffer(much)) == much.size());
  peer.socket.close();
  link.hear_last();  // gives the word back before it has read all
  CHECK_FALSE(link.is_gone());
  for (int i = 0; i < 10 && !link.is_gone(); ++i) link.hear_last();
  CHECK(link.is_gone());
}

TEST_CASE("a rank in the middle of a message still tells the others why it stops", "[comm]") {
  // Rank 0 sends a long message to rank 1 when it finds out that rank 2 is gone.
  const auto reports = tcp_ranks::run(3, 2'000ms, [](auto& mesh) -> iop::error {
    std::vector<std::byte> bytes(mesh.rank() == 2 ? 8 : 16 << 20);
    if (mesh.rank() == 0) {
      return mesh.exchange(1, std::array{outgoing{1, bytes}},
                           std::array{incoming{2, std::span(bytes).first(8)}});
    }
    if (mesh.rank() == 2) {
      std::this_thread::sleep_for(20ms);
      mesh.leave();
      return {};
    }
    std::this_thread::sleep_for(50ms);
    if (iop::error reason = mesh.exchange(1, {}, std::array{incoming{0, bytes}})) return reason;
    return mesh.exchange(2, {}, std::array{incoming{0, std::span(bytes).first(8)}});
  });
  for (const std::size_t rank : {0u, 1u}) {
    INFO(text_of(reports[rank]));
    CHECK(reports[rank].reason.code == errc::disconnected);
    CHECK(reports[rank].reason.rank == 2);
  }
}

TEST_CASE("long messages both ways at once do not deadlock", "[comm]") {
  const auto both_ways = [](std::size_t size) {
    return [size](auto& mesh) -> iop::error {
      const std::vector<std::byte> sent(size, static_cast<std::byte>(mesh.rank()));
      std::vector<std::byte> received(size * mesh.size());
      std::vector<outgoing> sends;
      std::vector<incoming> receives;
      for (std::size_t peer = 0; peer < mesh.size(); ++peer) {
        if (peer == mesh.rank()) continue;
        sends.push_back({peer, sent});
        receives.push_back({peer, std::span(received).subspan(peer * size, size)});
      }
      if (iop::error reason = mesh.exchange(1, sends, receives)) return reason;
      for (const incoming& each : receives) {
        if (each.bytes.back() != static_cast<std::byte>(each.peer))
          return iop::make_error(errc::bad_file, "wrong bytes");
      }
      return {};
    };
  };
#ifdef __SANITIZE_THREAD__  // which makes hashing much slower
  constexpr std::size_t long_message = 12 << 20;
#else
  constexpr std::size_t long_message = 64 << 20;
#endif
  for (const report& each : tcp_ranks::run(2, 20'000ms, both_ways(long_message))) CHECK(text_of(each) == "");
  for (const report& each : tcp_ranks::run(4, 20'000ms, both_ways(long_message / 8)))
    CHECK(text_of(each) == "");
}

TEST_CASE("a mesh may be moved between exchanges", "[comm]") {
  const auto reports = tcp_ranks::run(2, 2'000ms, [](auto& mesh) -> iop::error {
    if (iop::error reason = all_to_all(mesh, 1, {10})) return reason;
    tcp_mesh moved = std::move(mesh);
    if (!mesh.exchange(2, {}, {}))
      return iop::make_error(errc::bad_file, "the old mesh is usable");  // NOLINT
    return all_to_all(moved, 2, {10});
  });
  for (const report& each : reports) CHECK(text_of(each) == "");
}
