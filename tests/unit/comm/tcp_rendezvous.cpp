// SPDX-License-Identifier: MIT
// How ranks find each other, and whom they turn away.

#include <iop/comm/tcp_rendezvous.hpp>

#include "catch.hpp"
#include "ranks.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <future>
#include <memory>
#include <random>
#include <string>
#include <vector>

using namespace test;
using iop::errc;

namespace {

struct part {
  std::size_t rank = 0;
  identity what;
  std::chrono::milliseconds delay{};
};

/// Every part connects in its own thread, from the listener `listeners[part]`; all use the same endpoints.
std::vector<report> connect_all(ports& at, const std::vector<part>& parts,
                                std::chrono::milliseconds limit = 3'000ms) {
  std::vector<report> reports(parts.size());
  in_threads(parts.size(), [&](std::size_t i) {
    std::this_thread::sleep_for(parts[i].delay);
    tcp_mesh mesh;
    const auto start = clock::now();
    auto endpoints = at.endpoints;
    endpoints.resize(parts[i].what.ranks);
    reports[i].reason =
        mesh.connect(std::move(at.listeners[i]), parts[i].rank, endpoints, parts[i].what, {limit, 500ms});
    reports[i].took = std::chrono::duration_cast<std::chrono::milliseconds>(clock::now() - start);
    if (!reports[i].reason) reports[i].reason = all_to_all(mesh, 1, {10});
  });
  return reports;
}

/// Somebody else at a rank's address.
struct impostor {
  asio::io_context context;
  tcp::acceptor server{context};
  std::vector<tcp::socket> callers;

  explicit impostor(std::uint16_t port) {
    server.open(tcp::v4());
    server.set_option(tcp::acceptor::reuse_address(true));
    server.bind({asio::ip::make_address("127.0.0.1"), port});
    server.listen();
  }

  /// The next call; false when it is the test's own word to stop.
  bool accept() {
    callers.emplace_back(context);
    server.accept(callers.back());
    std::array<std::byte, 1> first{};
    asio::read(callers.back(), asio::buffer(first));
    return first[0] == std::byte{'i'};
  }

  /// Says hello to the last caller, whose hello has begun, and waits for so many bytes behind that.
  void answer(const tcp_hello& hello, std::size_t more) {
    std::vector<std::byte> heard(tcp_hello::bytes - 1 + more);
    asio::write(callers.back(), asio::buffer(hello.encode()));
    asio::read(callers.back(), asio::buffer(heard));
  }

  void leave() {
    callers.clear();
    server.close();
  }
};

}  // namespace

TEST_CASE("ranks may start in any order", "[comm]") {
  for (const bool highest_first : {false, true}) {
    ports at(4);
    std::vector<part> parts;
    for (std::size_t rank = 0; rank < 4; ++rank) {
      parts.push_back({rank, of(4), std::chrono::milliseconds(20) * (highest_first ? 3 - rank : rank)});
    }
    for (const report& each : connect_all(at, parts)) CHECK(text_of(each) == "");
  }
}

TEST_CASE("a rank calls again until its peer listens", "[comm]") {
  ports at(2);
  const endpoint late = at.endpoints[0];
  at.listeners[0] = tcp_listener();  // nobody listens on the port now
  std::vector<iop::error> reasons(2);
  in_threads(2, [&](std::size_t rank) {
    if (rank == 0) {
      std::this_thread::sleep_for(150ms);
      reasons[0] = at.listeners[0].open(late);
      if (reasons[0]) return;
    }
    tcp_mesh mesh;
    reasons[rank] = mesh.connect(std::move(at.listeners[rank]), rank, at.endpoints, of(2), {3'000ms, 500ms});
  });
  for (const iop::error& each : reasons) CHECK(each.message.view() == "");
}

TEST_CASE("host names and IPv6 are found", "[comm]") {
  for (const char* host : {"localhost", "::1"}) {
    tcp_listener first, second;
    if (first.open({host, 0}) || second.open({host, 0})) {
      WARN("cannot listen on " << host);
      continue;
    }
    std::vector<endpoint> endpoints{{host, first.port()}, {host, second.port()}};
    std::vector<iop::error> reasons(2);
    in_threads(2, [&](std::size_t rank) {
      tcp_mesh mesh;
      reasons[rank] =
          mesh.connect(std::move(rank == 0 ? first : second), rank, endpoints, of(2), {3'000ms, 500ms});
    });
    for (const iop::error& each : reasons) CHECK(each.message.view() == "");
  }
}

TEST_CASE("a missing peer is named with its address", "[comm]") {
  ports at(3);
  const auto reports = connect_all(at, {{0, of(3), 0ms}, {1, of(3), 0ms}}, 300ms);
  for (const report& each : reports) {
    INFO(text_of(each));
    CHECK(each.reason.code == errc::time_out);
    CHECK(each.reason.rank == 2);
    CHECK(each.took >= 250ms);
    CHECK(each.took < 1'000ms);
  }
  const std::string address = "127.0.0.1:" + std::to_string(at.endpoints[2].port);
  CHECK((text_of(reports[0]) ==
             "rank 2 at " + address + " is still missing after 300 ms; 0 strangers were refused" ||
         text_of(reports[0]) == "rank 1 gave up while connecting: rank 2 did not answer in time"));
}

TEST_CASE("a missing peer that should be called is named with the reason", "[comm]") {
  ports at(2);
  at.listeners[0] = tcp_listener();
  const std::string address = "127.0.0.1:" + std::to_string(at.endpoints[0].port);
  tcp_mesh mesh;
  const iop::error reason = mesh.connect(std::move(at.listeners[1]), 1, at.endpoints, of(2), {200ms, 500ms});
  CHECK(reason.code == errc::time_out);
  CHECK(reason.message.view() ==
        "rank 0 at " + address +
            " is still missing after 200 ms; 0 strangers were refused; the last try: "
            "Connection refused");
  CHECK(mesh.exchange(0, {}, {}).code == errc::time_out);
}

TEST_CASE("a host that has no address is an error in time", "[comm]") {
  ports at(2);
  at.endpoints[0].host = "no-such-host.invalid";
  tcp_mesh mesh;
  const iop::error reason = mesh.connect(std::move(at.listeners[1]), 1, at.endpoints, of(2), {200ms, 500ms});
  INFO(reason.message.view());
  CHECK(reason.code == errc::time_out);
  CHECK(mentions(reason, "rank 0 at no-such-host.invalid:"));
}

TEST_CASE("strangers are refused with a sentence and keep nobody out", "[comm]") {
  ports at(2);
  std::vector<std::string> heard(4);
  std::thread strangers([&, port = at.endpoints[0].port] {
    stranger http(port), garbage(port), old(port), silent(port);
    http.say(std::string("GET / HTTP/1.0\r\n\r\n"));
    garbage.say(std::vector<char>(5000, 'x'));
    tcp_hello hello{.rank = 1, .what = of(2)};
    hello.version = 99;
    old.say(hello.encode());
    heard[0] = http.hear();
    heard[1] = garbage.hear();
    heard[2] = old.hear();
    heard[3] = silent.hear(1, 50ms);  // still there while the peer comes
    std::this_thread::sleep_for(100ms);
  });
  const auto reports = connect_all(at, {{0, of(2), 0ms}, {1, of(2), 100ms}});
  strangers.join();
  for (const report& each : reports) CHECK(text_of(each) == "");
  for (std::size_t i = 0; i < 3; ++i) CHECK(heard[i] == tcp_hello::refusal);
  CHECK(heard[3].empty());
}

TEST_CASE("refused strangers are counted, silent ones too", "[comm]") {
  ports at(2);
  std::thread strangers([port = at.endpoints[0].port] {
    stranger http(port), silent(port), half(port);
    http.say(std::string("GET / HTTP/1.0\r\n\r\n"));
    half.say(std::string("iop:me"));
    std::this_thread::sleep_for(400ms);
  });
  tcp_mesh mesh;
  const iop::error reason = mesh.connect(std::move(at.listeners[0]), 0, at.endpoints, of(2), {250ms, 500ms});
  strangers.join();
  INFO(reason.message.view());
  CHECK(reason.code == errc::time_out);
  CHECK(mentions(reason, "; 3 strangers were refused"));
}

TEST_CASE("a stranger at a peer's address is no peer", "[comm]") {
  ports at(2);
  asio::io_context context;
  tcp::acceptor server(context, {asio::ip::make_address("127.0.0.1"), 0});
  at.endpoints[0].port = server.local_endpoint().port();
  std::thread answering([&] {
    tcp::socket client(context);
    server.accept(client);
    error_code ignored;
    asio::write(client, asio::buffer(std::string("HTTP/1.1 400 Bad Request\r\n\r\n")), ignored);
    server.close();
    char rest[200];
    asio::read(client, asio::buffer(rest), ignored);
  });
  tcp_mesh mesh;
  const iop::error reason = mesh.connect(std::move(at.listeners[1]), 1, at.endpoints, of(2), {200ms, 500ms});
  answering.join();
  INFO(reason.message.view());
  CHECK(reason.code == errc::time_out);
  CHECK(mentions(reason, "rank 0 at 127.0.0.1:"));
}

TEST_CASE("ranks of unlike deployments fail at once on both sides", "[comm]") {
  identity other_plan = of(2), other_network = of(2), other_weights = of(2);
  other_plan.plan_digest = 1;
  other_network.network_digest = 2;
  other_weights.weights_digest = 3;
  for (const identity& other : {other_plan, other_network, other_weights, of(3)}) {
    ports at(3);
    const auto reports = connect_all(at, {{0, of(2), 0ms}, {1, other, 0ms}});
    for (const report& each : reports) {
      INFO(text_of(each));
      CHECK(each.reason.code == errc::protocol);
      CHECK(each.took < 1'000ms);
      CHECK(mentions(each.reason, other == other_weights ? "give both the same weights"
                                                         : "build both from the same deployment"));
    }
    CHECK(reports[0].reason.rank == 1);
    CHECK(reports[1].reason.rank == 0);
  }
}

TEST_CASE("a third rank hears at once that two do not fit", "[comm]") {
  ports at(3);
  identity other = of(3);
  other.plan_digest = 1;
  // Rank 2 only ever calls ranks 0 and 1; rank 3 does not exist, so all depends on the notices.
  const auto reports = connect_all(at, {{0, of(3), 0ms}, {1, of(3), 0ms}, {2, other, 100ms}});
  for (const report& each : reports) {
    INFO(text_of(each));
    CHECK(each.reason.code == errc::protocol);
    CHECK(each.took < 1'500ms);
  }
}

TEST_CASE("two processes of one rank are found out", "[comm]") {
  for (const auto delay : {0ms, 100ms}) {
    ports at(4);
    // Parts 1 and 2 both are rank 1; rank 2 is missing, so rank 0 waits long enough to meet both.
    const auto reports = connect_all(at, {{0, of(3), 0ms}, {1, of(3), 0ms}, {1, of(3), delay}});
    for (const report& each : reports) {
      INFO(text_of(each));
      CHECK(each.reason.code == errc::protocol);
      CHECK(each.reason.rank == 1);
      CHECK(each.took < 1'500ms);
    }
    CHECK(mentions(reports[0].reason, "two processes say that they are rank 1: one at 127.0.0.1:"));
  }
}

TEST_CASE("a caller that dies before it confirms makes room for the next", "[comm]") {
  ports at(2);
  auto dead = std::make_unique<stranger>(at.endpoints[0].port);
  dead->say(tcp_hello{.rank = 1, .called = 0, .what = of(2)}.encode());
  dead.reset();  // it waits in the queue, dead, when rank 0 begins
  const auto reports = connect_all(at, {{0, of(2), 50ms}, {1, of(2), 0ms}});
  for (const report& each : reports) CHECK(text_of(each) == "");
}

TEST_CASE("callers that never confirm keep nobody out", "[comm]") {
  ports at(2);
  std::vector<std::unique_ptr<stranger>> silent;
  for (int i = 0; i < 5; ++i) {
    silent.push_back(std::make_unique<stranger>(at.endpoints[0].port));
    silent.back()->say(tcp_hello{.rank = 1, .called = 0, .what = of(2)}.encode());
  }
  const auto reports = connect_all(at, {{0, of(2), 0ms}, {1, of(2), 50ms}}, 1'500ms);
  for (const report& each : reports) CHECK(text_of(each) == "");
}

TEST_CASE("two callers of one rank that confirm at the same time are found out", "[comm]") {
  ports at(3);
  std::array<std::string, 2> heard;
  std::thread calling([&, port = at.endpoints[0].port] {
    stranger first(port), second(port);
    for (stranger* each : {&first, &second})
      each->say(tcp_hello{.rank = 1, .called = 0, .what = of(3)}.encode());
    for (stranger* each : {&first, &second}) each->hear(tcp_hello::bytes);  // both are welcome so far
    for (stranger* each : {&first, &second}) each->say(to_bytes(std::array{tcp_hello::confirmation}));
    heard = {first.hear(tcp_frame::header_bytes), second.hear(tcp_frame::header_bytes)};
  });
  tcp_mesh mesh;
  const iop::error reason =
      mesh.connect(std::move(at.listeners[0]), 0, at.endpoints, of(3), {3'000ms, 500ms});
  calling.join();
  INFO(reason.message.view());
  CHECK(reason.code == errc::protocol);
  CHECK(mentions(reason, "two processes say that they are rank 1: one at 127.0.0.1:"));
  for (const std::string& each : heard) CHECK(each.starts_with("iop:stop"));
}

TEST_CASE("a caller that is started again takes its place again", "[comm]") {
  ports at(3);
  std::promise<void> first_life;
  const auto died = first_life.get_future().share();
  std::vector<iop::error> reasons(3);
  in_threads(4, [&](std::size_t rank) {
    if (rank == 3) {  // the first life of rank 1
      stranger(at.endpoints[0].port).join(1, of(3));
      return first_life.set_value();
    }
    if (rank != 0) died.wait();
    tcp_mesh mesh;
    reasons[rank] = mesh.connect(std::move(at.listeners[rank]), rank, at.endpoints, of(3), {5'000ms, 500ms});
  });
  for (const iop::error& each : reasons) CHECK(each.message.view() == "");
}

TEST_CASE("a rank that is started again is called again", "[comm]") {
  ports at(3);
  at.listeners[0] = tcp_listener();
  impostor first_life(at.endpoints[0].port);
  std::promise<void> death;
  const auto died = death.get_future().share();
  std::vector<iop::error> reasons(3);
  in_threads(4, [&](std::size_t rank) {
    if (rank == 3) {
      first_life.accept();
      first_life.answer({.rank = 0, .called = 1, .what = of(3)}, 8);
      first_life.leave();
      return death.set_value();
    }
    if (rank != 1) died.wait();
    if (rank == 0) reasons[0] = at.listeners[0].open(at.endpoints[0]);
    if (reasons[rank]) return;
    tcp_mesh mesh;
    reasons[rank] = mesh.connect(std::move(at.listeners[rank]), rank, at.endpoints, of(3), {5'000ms, 500ms});
  });
  for (const iop::error& each : reasons) CHECK(each.message.view() == "");
}

TEST_CASE("a rank whose work is done at once is not missed", "[comm]") {
  ports at(3);
  std::promise<void> end;
  const auto ended = end.get_future().share();
  std::vector<iop::error> reasons(2);
  in_threads(3, [&](std::size_t rank) {
    if (rank == 1) {  // is connected to rank 0, and leaves before rank 0 has met rank 2
      auto rank_1 = std::make_unique<stranger>(at.endpoints[0].port);
      if (rank_1->join(1, of(3))) rank_1->say(goodbye_frame().encode());
      rank_1.reset();
      end.set_value();
    } else if (rank == 2) {
      ended.wait();
      stranger rank_2(at.endpoints[0].port);
      rank_2.join(2, of(3));
      rank_2.hear(1);
    } else {
      tcp_mesh mesh;
      reasons[0] = mesh.connect(std::move(at.listeners[0]), 0, at.endpoints, of(3), {3'000ms, 500ms});
      std::array<std::byte, 1> byte{};
      if (!reasons[0]) reasons[1] = mesh.exchange(1, {}, std::array{incoming{1, byte}});
    }
  });
  CHECK(reasons[0].message.view() == "");
  CHECK(reasons[1].message.view() ==
        "rank 1 closed its connection in step 1 with messages due (End of file)");
}

TEST_CASE("a call that is accepted but not answered is made again", "[comm]") {
  ports at(2);
  at.listeners[0] = tcp_listener();
  impostor silent(at.endpoints[0].port);
  std::size_t calls = 0;
  std::thread accepting([&] {
    while (silent.accept()) ++calls;
  });
  tcp_mesh mesh;
  const iop::error reason =
      mesh.connect(std::move(at.listeners[1]), 1, at.endpoints, of(2), {1'500ms, 500ms});
  stranger(at.endpoints[0].port).say(std::string("the end"));
  accepting.join();
  INFO(reason.message.view());
  CHECK(calls == 2);
  CHECK(mentions(reason,
                 "; the last try: it accepts connections but says nothing: is it a rank, and running?"));
}

TEST_CASE("an IPv6 address is told in brackets", "[comm]") {
  ports at(2);
  at.endpoints[0] = {"::1", 1};
  tcp_mesh mesh;
  const iop::error reason = mesh.connect(std::move(at.listeners[1]), 1, at.endpoints, of(2), {50ms, 500ms});
  CHECK(mentions(reason, "rank 0 at [::1]:1 is still missing"));
}

TEST_CASE("wrong arguments of connect are told", "[comm]") {
  ports at(2);
  tcp_mesh mesh;
  CHECK(mesh.exchange(0, {}, {}).code == errc::disconnected);
  CHECK(mesh.connect(tcp_listener(), 0, at.endpoints, of(2)).code == errc::bad_argument);
  CHECK(mesh.connect(std::move(at.listeners[0]), 2, at.endpoints, of(2)).code == errc::bad_argument);
  CHECK(mesh.connect(std::move(at.listeners[1]), 0, at.endpoints, of(3)).code == errc::bad_argument);
}

TEST_CASE("random bytes never pass for a rank", "[comm]") {
  ports at(2);
  std::thread strangers([port = at.endpoints[0].port] {
    std::mt19937 engine(7);
    for (int visit = 0; visit < 300; ++visit) {
      stranger random(port);
      auto bytes = tcp_hello{.rank = 1, .called = 0, .what = of(2)}.encode();
      const std::size_t first = engine() % 16;  // so many bytes are right
      for (std::size_t i = first; i < bytes.size(); ++i) bytes[i] = static_cast<std::byte>(engine());
      bytes[first] ^= static_cast<std::byte>(bytes[first] == tcp_hello{}.encode()[first]);
      random.say(std::span(bytes).first(1 + engine() % bytes.size()));
      if (visit % 4 == 0) random.hear(10, 5ms);
    }
  });
  const auto reports = connect_all(at, {{0, of(2), 0ms}, {1, of(2), 200ms}});
  strangers.join();
  for (const report& each : reports) CHECK(text_of(each) == "");
}

TEST_CASE("a hello with any bit changed is refused or found out", "[comm]") {
  std::mt19937 engine(8);
  for (int i = 0; i < 40; ++i) {
    ports at(2);
    const std::size_t bit = engine() % (8 * 64);  // all but the word that only an answer uses
    std::string heard;
    std::thread caller([&, port = at.endpoints[0].port] {
      stranger almost(port);
      auto bytes = tcp_hello{.rank = 1, .called = 0, .what = of(2)}.encode();
      bytes[bit / 8] ^= static_cast<std::byte>(1u << (bit % 8));
      almost.say(bytes);
      heard = almost.hear();
    });
    tcp_mesh mesh;
    // Who is refused is waited for to the end; long enough for a busy machine.
    const auto patience = bit < 128 ? 300ms : 10s;
    const iop::error reason =
        mesh.connect(std::move(at.listeners[0]), 0, at.endpoints, of(2), {patience, 500ms});
    caller.join();
    INFO("bit " << bit << ": " << reason.message.view());
    CHECK(reason.code == (bit < 128 ? errc::time_out : errc::protocol));
    CHECK((heard == tcp_hello::refusal) == (bit < 128));
  }
}
