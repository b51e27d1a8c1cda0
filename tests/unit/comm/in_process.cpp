// SPDX-License-Identifier: MIT
// What is true of ranks in one process only; the rest is in transport.cpp.

#include <iop/comm/in_process.hpp>

#include "catch.hpp"
#include "ranks.hpp"

#include <array>
#include <optional>
#include <vector>

using namespace test;
using iop::errc;

TEST_CASE("a send in one process returns when the receiver has the bytes", "[comm]") {
  in_process_hub hub(2, 2'000ms);
  std::array<std::byte, 4> bytes{}, got{};
  in_threads(2, [&](std::size_t rank) {
    in_process_mesh mesh(hub, rank);
    if (rank == 1) {
      std::this_thread::sleep_for(20ms);
      (void)mesh.exchange(0, {}, std::array{incoming{0, got}});
    } else {
      bytes.fill(std::byte{7});
      (void)mesh.exchange(0, std::array{outgoing{1, bytes}}, {});
      bytes.fill(std::byte{9});  // too late to matter
    }
  });
  CHECK(got[3] == std::byte{7});
}

TEST_CASE("destroying a rank's end is leaving", "[comm]") {
  in_process_hub hub(2, 5'000ms);
  std::optional<in_process_mesh> other(std::in_place, hub, 1);
  in_process_mesh mesh(hub, 0);
  std::array<std::byte, 4> bytes{};
  std::thread destroyer([&] {
    std::this_thread::sleep_for(30ms);
    other.reset();
  });
  const iop::error reason = mesh.exchange(2, {}, std::array{incoming{1, bytes}});
  destroyer.join();
  CHECK(reason.code == errc::disconnected);
  CHECK(reason.message.view() == "rank 1 left in step 2 with messages due");
}

TEST_CASE("a rank that never came is late", "[comm]") {
  in_process_hub hub(3, 50ms);
  in_process_mesh mesh(hub, 0);
  std::array<std::byte, 4> bytes{};
  const iop::error reason = mesh.exchange(9, std::array{outgoing{1, bytes}}, {});
  CHECK(reason.code == errc::time_out);
  CHECK(reason.message.view() == "rank 1 did not answer in step 9 within 50 ms");
}
