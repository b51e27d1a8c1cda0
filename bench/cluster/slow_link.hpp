// SPDX-License-Identifier: MIT
#pragma once

// A device's interface to a slow network, around its TCP mesh. It handles one message after another in each
// direction, sends and receives at the same time, and spends the link's time on each message: the messages of
// an exchange go in rounds, in round k to the k-th rank before and from the k-th behind, so that nobody waits
// in line. The bytes are slowed by the kernel (tc tbf), or, where that is not possible, here.

#include "clock.hpp"

#include <iop/comm/tcp.hpp>

#include <algorithm>
#include <cstddef>
#include <span>
#include <vector>

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
  explicit slow_link(iop::comm::tcp_mesh& mesh) : mesh_(mesh) {
    sends_.reserve(4 * mesh.size());
    receives_.reserve(4 * mesh.size());
  }

  void become(const link_shape& shape) { shape_ = shape; }
  /// For rehearsals: nothing is sent, and what was received last is received again.
  void mute(bool is_mute) { is_mute_ = is_mute; }

  std::size_t rank() const { return mesh_.rank(); }
  std::size_t size() const { return mesh_.size(); }
  iop::comm::traffic counters() const { return mesh_.counters(); }

  iop::error exchange(std::size_t step, std::span<const iop::comm::outgoing> sends,
                      std::span<const iop::comm::incoming> receives) {
    if (is_mute_) return {};
    const double start = std::max(now(), free_);
    double sent = start, received = start;  // when the interface has, in each direction
    for (std::size_t round = 1; round < size(); ++round) {
      const double out = pick(sends, (rank() + size() - round) % size(), sends_);
      const double in = pick(receives, (rank() + round) % size(), receives_);
      if (sends_.empty() && receives_.empty()) continue;
      sent += set_up(sends_.size());
      if (!sends_.empty()) wait_until(sent - shape_.own_seconds);
      if (const iop::error e = mesh_.exchange(step, sends_, receives_)) return e;
      // What was written may still wait for the wire. The kernel's buckets let short messages pass at once:
      // nothing arrives before a link could have carried it.
      sent += out;
      if (!receives_.empty()) received = std::max(received + set_up(receives_.size()) + in, now());
      wait_until(shape_.is_kernel_shaped ? received : std::max(sent, received));
    }
    free_ = sent;
    return {};
  }

 private:
  double set_up(std::size_t messages) const { return static_cast<double>(messages) * shape_.message_seconds; }

  /// Those of `all` that are to or from `peer`; returns the seconds of their bytes.
  template <class Message>
  double pick(std::span<const Message> all, std::size_t peer, std::vector<Message>& picked) const {
    picked.clear();
    double bytes = 0;
    for (const Message& each : all) {
      if (each.peer != peer) continue;
      picked.push_back(each);
      bytes += static_cast<double>(each.bytes.size());
    }
    return shape_.bytes_per_second > 0 ? bytes / shape_.bytes_per_second : 0;
  }

  iop::comm::tcp_mesh& mesh_;
  link_shape shape_{};
  bool is_mute_ = false;
  double free_ = 0;  ///< when the interface has sent what it was given
  std::vector<iop::comm::outgoing> sends_;
  std::vector<iop::comm::incoming> receives_;
};

static_assert(iop::comm::transport<slow_link>);

}  // namespace iop_cluster
