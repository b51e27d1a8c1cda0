// SPDX-License-Identifier: MIT
// An inference allocates nothing on any rank, over either transport: every operator new of the program is
// counted.
#include <iop/comm/tcp.hpp>

#include <cstdlib>
#include <new>

#include "catch.hpp"
#include "support/odd_networks.hpp"
#include "support/trial.hpp"

namespace {
thread_local std::size_t allocations = 0;

void* counted_or_null(std::size_t size) {
  ++allocations;
  return std::malloc(size != 0 ? size : 1);
}

void* counted_aligned(std::size_t size, std::align_val_t alignment) {
  ++allocations;
  const auto step = static_cast<std::size_t>(alignment);
  if (void* memory = std::aligned_alloc(step, (size + step - 1) / step * step)) return memory;
  throw std::bad_alloc();
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
[[gnu::noinline]] void* operator new(std::size_t size, std::align_val_t alignment) {
  return counted_aligned(size, alignment);
}
[[gnu::noinline]] void operator delete(void* memory) noexcept { std::free(memory); }
[[gnu::noinline]] void operator delete[](void* memory) noexcept { std::free(memory); }
[[gnu::noinline]] void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }
[[gnu::noinline]] void operator delete[](void* memory, std::size_t) noexcept { std::free(memory); }
[[gnu::noinline]] void operator delete(void* memory, std::align_val_t) noexcept { std::free(memory); }
[[gnu::noinline]] void operator delete(void* memory, std::size_t, std::align_val_t) noexcept {
  std::free(memory);
}

namespace {

using namespace std::chrono_literals;
constexpr std::size_t ranks = 3;

struct in_process {
  iop::comm::in_process_hub hub{ranks, 10s};
  std::unique_ptr<iop::comm::in_process_mesh> connect(std::size_t rank, const iop::comm::identity&) {
    return std::make_unique<iop::comm::in_process_mesh>(hub, rank);
  }
};

/// Every rank at a port of its own on 127.0.0.1.
struct tcp {
  std::vector<iop::comm::tcp_listener> listeners{ranks};
  std::vector<iop::comm::endpoint> endpoints;
  tcp() {
    for (auto& each : listeners) {
      if (each.open({"127.0.0.1", 0})) std::abort();
      endpoints.push_back({"127.0.0.1", each.port()});
    }
  }
  std::unique_ptr<iop::comm::tcp_mesh> connect(std::size_t rank, const iop::comm::identity& what) {
    auto mesh = std::make_unique<iop::comm::tcp_mesh>();
    if (mesh->connect(std::move(listeners[rank]), rank, endpoints, what, {10s, 10s})) return nullptr;
    return mesh;
  }
};

struct count {
  std::size_t runs = 0;  ///< that gave a result
  std::size_t allocations = 0;
};

template <class Deployment, class Transport>
std::vector<count> count_on_all_ranks() {
  const iop_test::random_weights weights;
  const auto image = iop_test::random_values(Deployment::network::spec.ops[0].out.size(), 1);
  std::vector<count> counts(ranks);
  Transport transport;
  const auto run = [&]<std::size_t Rank>(std::integral_constant<std::size_t, Rank>) {
    const auto mesh = transport.connect(Rank, iop::executor<Deployment, Rank>::identity());
    if (!mesh) return;
    const auto me = std::make_unique<iop::executor<Deployment, Rank>>(weights, *mesh);
    const std::size_t before = allocations;
    for (int i = 0; i < 3; ++i)
      if (me->run(image)) ++counts[Rank].runs;
    counts[Rank].allocations = allocations - before;
  };
  std::thread one([&] { run(std::integral_constant<std::size_t, 1>{}); });
  std::thread two([&] { run(std::integral_constant<std::size_t, 2>{}); });
  run(std::integral_constant<std::size_t, 0>{});
  one.join();
  two.join();
  return counts;
}

template <class Deployment, class Transport>
void check_nothing_is_allocated() {
  INFO("policy " << iop::name_of(Deployment::plan.strategy));
  for (const count& each : count_on_all_ranks<Deployment, Transport>()) {
    CHECK(each.runs == 3);
    CHECK(each.allocations == 0);
  }
}

}  // namespace

TEST_CASE("the count notices an allocation", "[exec]") {
  const std::size_t before = allocations;
  void* some = ::operator new(10);        // a call: a new-expression may be optimised away
  const std::size_t after = allocations;  // before CHECK, which allocates
  ::operator delete(some);
  CHECK(after == before + 1);
}

TEMPLATE_TEST_CASE("an inference allocates nothing, not even the first", "[exec]", in_process, tcp) {
  using iop_test::tiny_lenet;
  using iop_test::trial;
  check_nothing_is_allocated<trial<tiny_lenet, iop::policy::output_channel, ranks>, TestType>();
  check_nothing_is_allocated<trial<tiny_lenet, iop::policy::coedge, ranks>, TestType>();
  check_nothing_is_allocated<trial<tiny_lenet, iop::policy::interleaved, ranks>, TestType>();
}
