// SPDX-License-Identifier: MIT
// What every transport must do; the same tests for all of them.

#include <iop/comm/transport.hpp>

#include "catch.hpp"
#include "ranks.hpp"

#include <array>
#include <vector>

using namespace test;
using iop::errc;

static_assert(transport<in_process_mesh>);
static_assert(transport<tcp_mesh>);

TEMPLATE_TEST_CASE("all ranks exchange with all", "[comm]", in_process_ranks, tcp_ranks) {
  for (std::size_t ranks = 1; ranks <= 5; ++ranks) {
    const std::vector<std::vector<std::size_t>> steps{{1},      {}, {0}, {1021, 0, 7, 65537}, {40, 64, 63, 1},
                                                      {0, 0, 3}};
    const auto reports = TestType::run(ranks, 5'000ms, [&](auto& mesh) {
      for (std::size_t round = 0; round < 3; ++round) {
        for (std::size_t step = 0; step < steps.size(); ++step) {
          if (iop::error reason = all_to_all(mesh, step, steps[step])) return reason;
        }
      }
      return iop::error{};
    });
    for (const report& each : reports) {
      INFO(each.reason.message.view());
      CHECK_FALSE(each.reason);
      CHECK(each.counters.messages_sent == 3 * 13 * (ranks - 1));
      CHECK(each.counters.messages_received == 3 * 13 * (ranks - 1));
      CHECK(each.counters.bytes_sent == 3 * (1 + 1021 + 7 + 65537 + 168 + 3) * (ranks - 1));
      CHECK(each.counters.bytes_received == each.counters.bytes_sent);
    }
  }
}

TEMPLATE_TEST_CASE("a rank without messages may skip an exchange, or run ahead", "[comm]", in_process_ranks,
                   tcp_ranks) {
  const auto reports = TestType::run(3, 5'000ms, [](auto& mesh) -> iop::error {
    std::array<std::byte, 1000> a{}, b{};
    const std::size_t rank = mesh.rank();
    // Step 1: 0 -> 1. Step 2: 2 -> 1. Step 3: 1 -> 0 and 1 -> 2.
    for (std::size_t round = 0; round < 50; ++round) {
      iop::error reason;
      if (rank == 0) reason = mesh.exchange(1, std::array{outgoing{1, a}}, {});
      if (rank == 1) reason = mesh.exchange(1, {}, std::array{incoming{0, a}});
      if (!reason && rank == 2) reason = mesh.exchange(2, std::array{outgoing{1, a}}, {});
      if (!reason && rank == 1) reason = mesh.exchange(2, {}, std::array{incoming{2, a}});
      if (!reason && rank == 1) reason = mesh.exchange(3, std::array{outgoing{0, a}, outgoing{2, b}}, {});
      if (!reason && rank != 1) reason = mesh.exchange(3, {}, std::array{incoming{1, a}});
      if (reason) return reason;
    }
    return {};
  });
  for (const report& each : reports) CHECK(each.reason.message.view() == "");
}

TEMPLATE_TEST_CASE("a message of another step is an error on every rank", "[comm]", in_process_ranks,
                   tcp_ranks) {
  const auto reports =
      TestType::run(3, 2'000ms, [](auto& mesh) { return all_to_all(mesh, mesh.rank() == 1 ? 8 : 7, {100}); });
  for (const report& each : reports) {
    INFO(each.reason.message.view());
    CHECK(each.reason.code == errc::protocol);
    CHECK(each.took < 1'500ms);
    CHECK((each.reason.step == 7 || each.reason.step == 8));
    CHECK(each.reason.rank < 3);
  }
}

TEMPLATE_TEST_CASE("a message of another size names sender, step and sizes", "[comm]", in_process_ranks,
                   tcp_ranks) {
  for (const std::size_t size : {0u, 99u, 101u, 300'000u}) {
    const auto reports = TestType::run(2, 2'000ms, [size](auto& mesh) {
      std::vector<std::byte> bytes(mesh.rank() == 0 ? size : 100), got(100);
      if (mesh.rank() == 0)
        return mesh.exchange(4, std::array{outgoing{1, bytes}}, std::array{incoming{1, got}});
      return mesh.exchange(4, {}, std::array{incoming{0, bytes}});
    });
    for (const report& each : reports) {
      INFO(each.reason.message.view());
      CHECK(each.reason.code == errc::protocol);
      CHECK(each.reason.rank == 0);
      CHECK(each.reason.step == 4);
    }
    CHECK(mentions(reports[1].reason, "rank 0 sent"));
    CHECK(mentions(reports[1].reason, std::to_string(size)));
    CHECK(mentions(reports[1].reason, "100"));
    CHECK(mentions(reports[0].reason, "rank 1 gave up in step 4: rank 0 (this one)"));
  }
}

TEMPLATE_TEST_CASE("a rank that stalls is named by every rank in time", "[comm]", in_process_ranks,
                   tcp_ranks) {
  const auto reports = TestType::run(4, 300ms, [](auto& mesh) {
    if (mesh.rank() == 2) std::this_thread::sleep_for(700ms);
    // What the others sent in time may still reach rank 2 complete; then its next exchange tells it.
    if (iop::error reason = all_to_all(mesh, 5, {1000})) return reason;
    return all_to_all(mesh, 6, {1000});
  });
  for (const report& each : reports) {
    INFO(each.reason.message.view());
    CHECK(each.reason.code == errc::time_out);
    CHECK(each.reason.rank == 2);
    CHECK(each.reason.step == 5);
    CHECK(each.took < 1'200ms);
  }
  for (const std::size_t rank : {0u, 1u, 3u}) {
    CHECK(reports[rank].took >= 250ms);
    CHECK(reports[rank].took < 600ms);
  }
}

TEMPLATE_TEST_CASE("a rank that waits for a late one is not blamed", "[comm]", in_process_ranks, tcp_ranks) {
  const auto reports = TestType::run(3, 200ms, [](auto& mesh) {
    std::array<std::byte, 8> bytes{};
    if (mesh.rank() == 2) {
      std::this_thread::sleep_for(500ms);
      if (iop::error reason = mesh.exchange(3, std::array{outgoing{1, bytes}}, {})) return reason;
      return mesh.exchange(4, {},
                           std::array{incoming{1, bytes}});  // what is sent may be lost, what is awaited not
    }
    if (mesh.rank() == 1) {
      std::this_thread::sleep_for(20ms);  // so that rank 0 loses patience first
      return mesh.exchange(3, {}, std::array{incoming{2, bytes}});
    }
    return mesh.exchange(4, {}, std::array{incoming{1, bytes}});
  });
  for (const report& each : reports) {
    INFO(each.reason.message.view());
    CHECK(each.reason.code == errc::time_out);
    CHECK(each.reason.rank == 2);
  }
}

TEMPLATE_TEST_CASE("a rank that leaves is missed only by those who wait for it", "[comm]", in_process_ranks,
                   tcp_ranks) {
  const auto reports = TestType::run(3, 2'000ms, [](auto& mesh) -> iop::error {
    if (iop::error reason = all_to_all(mesh, 1, {500})) return reason;
    if (mesh.rank() == 2) {
      mesh.leave();
      return mesh.exchange(1, {}, {});
    }
    std::this_thread::sleep_for(50ms);
    std::array<std::byte, 8> bytes{}, got{};
    const std::size_t other = 1 - mesh.rank();
    if (iop::error reason =
            mesh.exchange(2, std::array{outgoing{other, bytes}}, std::array{incoming{other, got}}))
      return reason;
    if (iop::error reason = all_to_all(mesh, 3, {500})) return reason.step == 3 ? reason : iop::error{};
    return {};
  });
  for (const report& each : reports) {
    INFO(each.reason.message.view());
    CHECK(each.reason.code == errc::disconnected);
    CHECK(each.reason.rank == 2);
    CHECK(each.took < 1'000ms);
  }
}

TEMPLATE_TEST_CASE("a peer that does not exist is a wrong argument, and all get to know", "[comm]",
                   in_process_ranks, tcp_ranks) {
  for (const std::size_t wrong : {1u, 3u, 99u}) {
    const auto reports = TestType::run(3, 2'000ms, [wrong](auto& mesh) {
      std::array<std::byte, 8> bytes{};
      if (mesh.rank() == 1) return mesh.exchange(6, std::array{outgoing{wrong, bytes}}, {});
      return mesh.exchange(6, {}, std::array{incoming{1, bytes}});
    });
    for (const report& each : reports) {
      INFO(each.reason.message.view());
      CHECK(each.reason.code == errc::bad_argument);
      CHECK(each.reason.rank == 1);
      CHECK(each.reason.step == 6);
    }
  }
}

TEMPLATE_TEST_CASE("after an error a transport stays unusable", "[comm]", in_process_ranks, tcp_ranks) {
  const auto reports = TestType::run(2, 100ms, [](auto& mesh) -> iop::error {
    std::array<std::byte, 8> bytes{}, got{};
    if (mesh.rank() == 1) {
      std::this_thread::sleep_for(300ms);
      return mesh.exchange(2, std::array{outgoing{0, bytes}}, std::array{incoming{0, got}});
    }
    if (!mesh.exchange(2, {}, std::array{incoming{1, bytes}})) return {};
    return mesh.exchange(2, std::array{outgoing{1, bytes}}, {});
  });
  for (const report& each : reports) {
    CHECK(each.reason.code == errc::time_out);
    CHECK(each.reason.rank == 1);
  }
}
