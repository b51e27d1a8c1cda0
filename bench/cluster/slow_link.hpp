// SPDX-License-Identifier: MIT
#pragma once

// A device's interface to a slow network, around its TCP mesh. It handles one message after another in each
// direction, sends and receives at the same time, and spends the link's time on each message: the messages of
// an exchange go in rounds, in round k to the k-th rank behind and from the k-th before, so that nobody
// waits in line. The bytes are slowed by the kernel (tc tbf), or, where that is not possible, here.

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

  std::size_t rank() const { return mesh_.rank(); }
  std::size_t size() const { return mesh_.size(); }
  iop::comm::traffic counters() const { return mesh_.counters(); }

  iop::error exchange(std::size_t step, std::span<const iop::comm::outgoing> sends,
                      std::span<const iop::comm::incoming> receives) {
    const std::size_t ranks = size();
    for (std::size_t round = 1; round < ranks; ++round) {
      const std::size_t out = pick(sends, (rank() + round) % ranks, sends_);
      const std::size_t in = pick(receives, (rank() + ranks - round) % ranks, receives_);
      if (sends_.empty() && receives_.empty()) continue;
      const auto messages = static_cast<double>(std::max(sends_.size(), receives_.size()));
      const double start = std::max(now(), free_);
      wait_until(start + messages * std::max(shape_.message_seconds - shape_.own_seconds, 0.0));
      const double begin = now();
      if (const iop::error e = mesh_.exchange(step, sends_, receives_)) return e;
      if (shape_.bytes_per_second <= 0) continue;
      // What was written may still wait for the wire. The kernel's buckets let short messages pass at once:
      // nothing arrives before a link could have carried it.
      const auto seconds = [&](std::size_t bytes) {
        return static_cast<double>(bytes) / shape_.bytes_per_second;
      };
      free_ = begin + seconds(out);
      wait_until(begin + seconds(shape_.is_kernel_shaped ? in : std::max(out, in)));
    }
    return {};
  }

 private:
  /// Those of `all` that are to or from `peer`; returns their bytes.
  template <class Message>
  static std::size_t pick(std::span<const Message> all, std::size_t peer, std::vector<Message>& picked) {
    picked.clear();
    std::size_t bytes = 0;
    for (const Message& each : all) {
      if (each.peer != peer) continue;
      picked.push_back(each);
      bytes += each.bytes.size();
    }
    return bytes;
  }

  iop::comm::tcp_mesh& mesh_;
  link_shape shape_{};
  double free_ = 0;  ///< when the interface has sent what it was given
  std::vector<iop::comm::outgoing> sends_;
  std::vector<iop::comm::incoming> receives_;
};

static_assert(iop::comm::transport<slow_link>);

}  // namespace iop_cluster
