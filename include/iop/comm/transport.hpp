// SPDX-License-Identifier: MIT
#pragma once

// What an executor asks of a network: one operation that sends to and receives from peers and returns when
// all of it is done. Because sends and receives progress together there is no order of calls that deadlocks.
// Messages between two ranks arrive in the order in which they were sent; sizes are known to both sides from
// the plan.

#include <iop/core/result.hpp>

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <span>

namespace iop::comm {

struct outgoing {
  std::size_t peer = 0;
  std::span<const std::byte> bytes{};
};

struct incoming {
  std::size_t peer = 0;
  std::span<std::byte> bytes{};
};

/// What went over a transport since it was made: payload only, framing is the transport's own affair.
struct traffic {
  std::size_t messages_sent = 0;
  std::size_t bytes_sent = 0;
  std::size_t messages_received = 0;
  std::size_t bytes_received = 0;
};

/// `exchange(step, sends, receives)` blocks until everything is sent and received, or returns an error that
/// names the rank at fault and `step`. It allocates nothing. After an error the transport is unusable and its
/// peers get to know. `step` is the number of the exchange in the program; both ends of a message pass the
/// same one. What is received must not overlap with anything else in the lists.
template <class Transport>
concept transport = requires(Transport& mesh, const Transport& same, std::size_t step,
                             std::span<const outgoing> sends, std::span<const incoming> receives) {
  { same.rank() } -> std::convertible_to<std::size_t>;
  { same.size() } -> std::convertible_to<std::size_t>;
  { mesh.exchange(step, sends, receives) } -> std::same_as<error>;
  { same.counters() } -> std::convertible_to<traffic>;
};

/// Proof that two ranks run the same thing: peers whose identities differ refuse each other. The executor
/// knows all but the weights: who wants those compared sets their digest, on all ranks.
struct identity {
  std::uint64_t network_digest = 0;
  std::uint64_t plan_digest = 0;
  std::size_t ranks = 1;
  std::uint64_t weights_digest = 0;
  friend constexpr bool operator==(const identity&, const identity&) = default;
};

}  // namespace iop::comm
