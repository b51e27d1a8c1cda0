// SPDX-License-Identifier: MIT
// No transport allocates during an exchange: every operator new of the program is counted.

#include "catch.hpp"
#include "ranks.hpp"

#include <array>
#include <cstdlib>
#include <new>
#include <vector>

namespace {
thread_local std::size_t allocations = 0;

void* counted_or_null(std::size_t size) {
  ++allocations;
  return std::malloc(size != 0 ? size : 1);
}

void* counted(std::size_t size) {
  if (void* memory = counted_or_null(size)) return memory;
  throw std::bad_alloc();
}
}  // namespace

// Not inlined, or GCC takes malloc and delete for a mismatched pair.
[[gnu::noinline]] void* operator new(std::size_t size) { return counted(size); }
[[gnu::noinline]] void* operator new[](std::size_t size) { return counted(size); }
[[gnu::noinline]] void* operator new(std::size_t size, const std::nothrow_t&) noexcept {
  return counted_or_null(size);
}
[[gnu::noinline]] void* operator new[](std::size_t size, const std::nothrow_t&) noexcept {
  return counted_or_null(size);
}
[[gnu::noinline]] void operator delete(void* memory) noexcept { std::free(memory); }
[[gnu::noinline]] void operator delete[](void* memory) noexcept { std::free(memory); }
[[gnu::noinline]] void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }
[[gnu::noinline]] void operator delete[](void* memory, std::size_t) noexcept { std::free(memory); }

using namespace test;

TEMPLATE_TEST_CASE("an exchange allocates nothing, not even the first", "[comm]", in_process_ranks,
                   tcp_ranks) {
  constexpr std::size_t ranks = 3, exchanges = 20;
  std::array<std::size_t, ranks> counted{};
  const auto reports = TestType::run(ranks, 5'000ms, [&](auto& mesh) -> iop::error {
    std::vector<std::byte> small(17), large(1 << 20), got_small(2 * 17), got_large(2 << 20);
    std::vector<outgoing> sends;
    std::vector<incoming> receives;
    for (std::size_t hop = 1; hop < ranks; ++hop) {
      const std::size_t peer = (mesh.rank() + hop) % ranks;
      sends.push_back({peer, small});
      sends.push_back({peer, large});
      receives.push_back({peer, std::span(got_small).subspan((hop - 1) * 17, 17)});
      receives.push_back({peer, std::span(got_large).subspan((hop - 1) << 20, 1 << 20)});
    }
    const std::size_t before = allocations;
    for (std::size_t step = 0; step < exchanges; ++step) {
      if (iop::error reason = mesh.exchange(step, sends, receives)) return reason;
    }
    counted[mesh.rank()] = allocations - before;
    return {};
  });
  for (const report& each : reports) CHECK(each.reason.message.view() == "");
  for (const std::size_t each : counted) CHECK(each == 0);
}

TEMPLATE_TEST_CASE("a time-out allocates nothing either", "[comm]", in_process_ranks, tcp_ranks) {
  std::size_t counted = 1;
  TestType::run(2, 100ms, [&](auto& mesh) -> iop::error {
    std::array<std::byte, 8> bytes{};
    if (mesh.rank() == 1) {
      std::this_thread::sleep_for(300ms);
      return {};
    }
    const std::size_t before = allocations;
    const iop::error reason = mesh.exchange(1, {}, std::array{incoming{1, bytes}});
    counted = allocations - before;
    return reason;
  });
  CHECK(counted == 0);
}
