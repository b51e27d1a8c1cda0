// SPDX-License-Identifier: MIT
#pragma once

// A device's interface to a slow network, around its TCP mesh. It sends and receives at the same time; each
// message costs it the link's time per message, whoever the peer is, besides its bytes. Those are slowed by the
// kernel (tc tbf), or, where that is not possible, here.

#include "clock.hpp"

#include <iop/comm/tcp.hpp>

#include <algorithm>
#include <cstddef>
#include <span>

namespace iop_cluster {

struct link_shape {
  double message_seconds = 0;     ///< that each message takes besides its bytes
  double own_seconds = 0;         ///< of those, what a message takes anyway
  double bytes_per_second = 0;    ///< 0: as fast as this machine
  bool is_kernel_shaped = false;  ///< the kernel sees to the bytes
};

/// Models iop::comm::transport.
class slow_link {
 public:
  /// Fast until it is told otherwise.
  explicit slow_link(iop::comm::tcp_mesh& mesh) : mesh_(mesh) {}

  void become(const link_shape& shape) { shape_ = shape; }

  std::size_t rank() const { return mesh_.rank(); }
  std::size_t size() const { return mesh_.size(); }
  iop::comm::traffic counters() const { return mesh_.counters(); }

  iop::error exchange(std::size_t step, std::span<const iop::comm::outgoing> sends,
                      std::span<const iop::comm::incoming> receives) {
    const double start = std::max(now(), free_);
    // The first message leaves when it was set up, the last one is there when all were.
    wait_until(start + std::max(shape_.message_seconds - shape_.own_seconds, 0.0));
    if (const iop::error e = mesh_.exchange(step, sends, receives)) return e;
    if (shape_.bytes_per_second <= 0) return {};
    // What was written may still wait for the wire. The kernel's buckets let short messages pass at once:
    // nothing arrives before a link could have carried it.
    const auto messages = static_cast<double>(std::max(sends.size(), receives.size()));
    const double set_up = start + messages * shape_.message_seconds;
    const double out = seconds_of(sends), in = seconds_of(receives);
    free_ = set_up + out;
    wait_until(set_up + (shape_.is_kernel_shaped ? in : std::max(out, in)));
    return {};
  }

 private:
  double seconds_of(const auto& messages) const {
    double bytes = 0;
    for (const auto& each : messages) bytes += static_cast<double>(each.bytes.size());
    return bytes / shape_.bytes_per_second;
  }

  iop::comm::tcp_mesh& mesh_;
  link_shape shape_{};
  double free_ = 0;  ///< when the interface has sent what it was given
};

static_assert(iop::comm::transport<slow_link>);

}  // namespace iop_cluster
