// SPDX-License-Identifier: MIT
#pragma once

// Ranks as threads, over either transport: `on_all_ranks<in_process_ranks>(n, time_out, work)` runs
// work(mesh) on each and gives back what each reported and how long it took. Checks are made afterwards, on
// the test's own thread.

#include <iop/comm/in_process.hpp>
#include <iop/comm/tcp.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

namespace test {

using namespace std::chrono_literals;
using namespace iop::comm;
using clock = std::chrono::steady_clock;

struct report {
  iop::error reason;
  std::chrono::milliseconds took{};
  traffic counters;
};

inline std::string_view text_of(const report& each) { return each.reason.message.view(); }

inline constexpr identity same{0x1234, 0x5678, 0};

inline identity of(std::size_t ranks) { return {same.network_digest, same.plan_digest, ranks}; }

/// Listeners on 127.0.0.1 and their endpoints.
struct ports {
  explicit ports(std::size_t ranks) : listeners(ranks) {
    for (tcp_listener& each : listeners) {
      if (each.open({"127.0.0.1", 0})) std::abort();
      endpoints.push_back({"127.0.0.1", each.port()});
    }
  }
  std::vector<tcp_listener> listeners;
  std::vector<endpoint> endpoints;
};

template <class Work>
void in_threads(std::size_t count, Work work) {
  std::vector<std::thread> threads;
  for (std::size_t i = 0; i < count; ++i) threads.emplace_back([&work, i] { work(i); });
  for (std::thread& each : threads) each.join();
}

struct in_process_ranks {
  template <class Work>
  static std::vector<report> run(std::size_t ranks, std::chrono::milliseconds time_out, Work work) {
    std::vector<report> reports(ranks);
    in_process_hub hub(ranks, time_out);
    in_threads(ranks, [&](std::size_t rank) {
      in_process_mesh mesh(hub, rank);
      const auto start = clock::now();
      reports[rank].reason = work(mesh);
      reports[rank].took = std::chrono::duration_cast<std::chrono::milliseconds>(clock::now() - start);
      reports[rank].counters = mesh.counters();
    });
    return reports;
  }
};

struct tcp_ranks {
  template <class Work>
  static std::vector<report> run(std::size_t ranks, std::chrono::milliseconds time_out, Work work) {
    std::vector<report> reports(ranks);
    ports at(ranks);
    in_threads(ranks, [&](std::size_t rank) {
      tcp_mesh mesh;
      report& mine = reports[rank];
      mine.reason =
          mesh.connect(std::move(at.listeners[rank]), rank, at.endpoints, of(ranks), {5'000ms, time_out});
      if (mine.reason) return;
      const auto start = clock::now();
      mine.reason = work(mesh);
      mine.took = std::chrono::duration_cast<std::chrono::milliseconds>(clock::now() - start);
      mine.counters = mesh.counters();
    });
    return reports;
  }
};

/// What rank `from` sends to rank `to` as its message `index` in step `step`: `size` bytes that nobody else
/// sends.
inline std::vector<std::byte> payload(std::size_t from, std::size_t to, std::size_t step, std::size_t index,
                                      std::size_t size) {
  std::vector<std::byte> bytes(size);
  std::uint64_t state = from * 1000003 + to * 10007 + step * 101 + index + 1;
  for (std::byte& each : bytes) {
    state = state * 6364136223846793005u + 1442695040888963407u;
    each = static_cast<std::byte>(state >> 56);
  }
  return bytes;
}

/// One exchange in which every rank sends `sizes` (one message each) to every other, and checks what it gets.
template <class Mesh>
iop::error all_to_all(Mesh& mesh, std::size_t step, const std::vector<std::size_t>& sizes) {
  std::vector<std::vector<std::byte>> sent, received;
  std::vector<std::size_t> from;
  std::vector<std::size_t> index;
  std::vector<outgoing> sends;
  std::vector<incoming> receives;
  for (std::size_t i = 0; i < sizes.size(); ++i) {
    for (std::size_t peer = 0; peer < mesh.size(); ++peer) {
      if (peer == mesh.rank()) continue;
      sent.push_back(payload(mesh.rank(), peer, step, i, sizes[i]));
      received.emplace_back(sizes[i]);
      sends.push_back({peer, sent.back()});
      receives.push_back({peer, received.back()});
      from.push_back(peer);
      index.push_back(i);
    }
  }
  if (iop::error reason = mesh.exchange(step, sends, receives)) return reason;
  for (std::size_t m = 0; m < received.size(); ++m) {
    if (received[m] == payload(from[m], mesh.rank(), step, index[m], received[m].size())) continue;
    return iop::make_error(iop::errc::bad_file, "rank ", mesh.rank(), " got wrong bytes from rank ", from[m]);
  }
  return {};
}

/// A client that is no rank, or one that only plays one.
struct stranger {
  asio::io_context context;
  tcp::socket socket{context};

  explicit stranger(std::uint16_t port) {
    error_code reason;
    socket.connect({asio::ip::make_address("127.0.0.1"), port}, reason);
    socket.set_option(tcp::no_delay(true), reason);
    socket.non_blocking(true, reason);
  }

  template <class Bytes>
  void say(const Bytes& bytes) {
    error_code reason;
    socket.write_some(asio::buffer(bytes), reason);
  }

  /// What comes within `limit`, until `count` bytes are there or the other side closes.
  std::string hear(std::size_t count = 1 << 20, std::chrono::milliseconds limit = 2'000ms) {
    std::string heard;
    const auto deadline = clock::now() + limit;
    while (heard.size() < count && clock::now() < deadline) {
      char some[256];
      error_code reason;
      const std::size_t got =
          socket.read_some(asio::buffer(some, std::min(sizeof some, count - heard.size())), reason);
      heard.append(some, got);
      if (reason && reason != asio::error::would_block) break;
      if (got == 0) std::this_thread::sleep_for(1ms);
    }
    return heard;
  }

  /// Plays the given rank of `what` up to the end of the greeting. True if it was welcome.
  bool join(std::size_t rank, const identity& what) {
    say(tcp_hello{.rank = rank, .called = 0, .what = what}.encode());
    if (hear(tcp_hello::bytes).size() != tcp_hello::bytes) return false;
    say(to_bytes(std::array{tcp_hello::confirmation}));
    return true;
  }
};

inline bool mentions(const iop::error& reason, std::string_view words) {
  return reason.message.view().find(words) != std::string_view::npos;
}

}  // namespace test
