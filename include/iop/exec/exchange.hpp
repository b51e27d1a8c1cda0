// SPDX-License-Identifier: MIT
#pragma once

// Carries out one exchange step: pack what is scattered, hand all messages to the transport at once, unpack,
// and add partial sums in rank order, so that every replica of the sum has the same bits whatever arrived
// first.

#include <iop/comm/transport.hpp>
#include <iop/deploy/program.hpp>
#include <iop/kernel/copy.hpp>
#include <iop/kernel/elementwise.hpp>

#include <array>
#include <cstddef>
#include <span>

namespace iop::exec {

/// A transport behind one function pointer: an indirect call is nothing beside a message, and programs stay
/// small.
class any_transport {
 public:
  template <comm::transport Mesh>
  explicit any_transport(Mesh& mesh) : mesh_(&mesh), exchange_(&exchange_on<Mesh>) {}

  error exchange(std::size_t step, std::span<const comm::outgoing> sends,
                 std::span<const comm::incoming> receives) {
    return exchange_(mesh_, step, sends, receives);
  }

 private:
  template <class Mesh>
  static error exchange_on(void* mesh, std::size_t step, std::span<const comm::outgoing> sends,
                           std::span<const comm::incoming> receives) {
    return static_cast<Mesh*>(mesh)->exchange(step, sends, receives);
  }

  void* mesh_;
  error (*exchange_)(void*, std::size_t, std::span<const comm::outgoing>, std::span<const comm::incoming>);
};

inline void copy_all(std::span<const deploy::copy_step> copies, float* arena) {
  for (const deploy::copy_step& c : copies)
    kernel::copy(c.from_extents, arena + c.from, c.to_extents, arena + c.to);
}

/// Not inlined: one copy serves all exchanges of all executors with that many ranks.
template <std::size_t Ranks>
[[gnu::noinline]] error exchange(std::size_t number, const deploy::exchange_step<Ranks>& e, float* arena,
                                 any_transport& mesh) {
  copy_all({e.packs.data(), e.packs.size()}, arena);
  if (!e.sends.empty() || !e.receives.empty()) {
    std::array<comm::outgoing, 2 * Ranks> sends{};
    std::array<comm::incoming, 2 * Ranks> receives{};
    for (std::size_t i = 0; i < e.sends.size(); ++i)
      sends[i] = {e.sends[i].peer, std::as_bytes(std::span(arena + e.sends[i].offset, e.sends[i].count))};
    for (std::size_t i = 0; i < e.receives.size(); ++i)
      receives[i] = {e.receives[i].peer,
                     std::as_writable_bytes(std::span(arena + e.receives[i].offset, e.receives[i].count))};
    const error failed = mesh.exchange(number, std::span(sends).first(e.sends.size()),
                                       std::span(receives).first(e.receives.size()));
    if (failed) return failed;
  }
  copy_all({e.unpacks.data(), e.unpacks.size()}, arena);
  if (!e.terms.empty()) {
    std::array<const float*, Ranks> terms{};
    for (std::size_t i = 0; i < e.terms.size(); ++i) terms[i] = arena + e.terms[i];
    kernel::sum(std::span<const float* const>(terms.data(), e.terms.size()), e.sum_count, e.act,
                arena + e.sum);
  }
  return {};
}

}  // namespace iop::exec
