// SPDX-License-Identifier: MIT
#pragma once

// How long messages take between two ranks of a transport: to and fro, half of which is one message. Rank 0
// asks and measures, rank 1 answers; sizes grow until a message takes long enough to show the bandwidth.

#include "fit.hpp"

#include <iop/comm/transport.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace calibrate {

class link_probe {
 public:
  /// Rank 0's measurements, the smallest message first; empty on rank 1. Messages grow to `most_bytes`, or
  /// until one takes `long_enough`.
  template <iop::comm::transport Mesh>
  iop::error measure(Mesh& mesh, std::vector<timed_message>& measured, std::size_t most_bytes = 8 << 20,
                     double long_enough = 0.25) {
    if (mesh.rank() == 1) return answer(mesh);
    double last = 0;
    for (std::size_t bytes = 4; bytes <= most_bytes && last < long_enough; bytes *= bytes < 4096 ? 8 : 4) {
      buffer_.resize(bytes);
      std::vector<double> seconds;
      // Until the middle is worth something: many short ones, few long ones.
      for (std::size_t done = 0; done < 5 || (done < 40 && sum_of(seconds) < long_enough); ++done) {
        if (const iop::error e = announce(mesh, bytes)) return e;
        const auto start = clock::now();
        if (const iop::error e = send(mesh, 1)) return e;
        if (const iop::error e = receive(mesh, 1)) return e;
        const std::chrono::duration<double> took = clock::now() - start;
        if (done > 0) seconds.push_back(took.count() / 2);  // the first finds everything cold
      }
      last = median(seconds);
      measured.push_back({static_cast<double>(bytes), last});
    }
    return announce(mesh, 0);
  }

 private:
  using clock = std::chrono::steady_clock;
  static constexpr std::size_t step = 0;

  static double sum_of(std::span<const double> all) {
    double sum = 0;
    for (const double each : all) sum += each;
    return sum;
  }

  /// How long the next messages are, 0: there are none; returns when rank 1 waits for them.
  template <class Mesh>
  iop::error announce(Mesh& mesh, std::uint64_t bytes) {
    const iop::comm::outgoing out[] = {{1, std::as_bytes(std::span(&bytes, 1))}};
    const iop::comm::incoming in[] = {{1, std::as_writable_bytes(std::span(&bytes, 1))}};
    if (const iop::error e = mesh.exchange(step, out, {})) return e;
    return mesh.exchange(step, {}, in);
  }

  template <class Mesh>
  iop::error answer(Mesh& mesh) {
    for (;;) {
      std::uint64_t bytes = 0;
      const iop::comm::incoming in[] = {{0, std::as_writable_bytes(std::span(&bytes, 1))}};
      const iop::comm::outgoing out[] = {{0, std::as_bytes(std::span(&bytes, 1))}};
      if (const iop::error e = mesh.exchange(step, {}, in)) return e;
      if (const iop::error e = mesh.exchange(step, out, {})) return e;
      if (bytes == 0) return {};
      buffer_.resize(bytes);
      if (const iop::error e = receive(mesh, 0)) return e;
      if (const iop::error e = send(mesh, 0)) return e;
    }
  }

  template <class Mesh>
  iop::error send(Mesh& mesh, std::size_t peer) {
    const iop::comm::outgoing out[] = {{peer, buffer_}};
    return mesh.exchange(step, out, {});
  }
  template <class Mesh>
  iop::error receive(Mesh& mesh, std::size_t peer) {
    const iop::comm::incoming in[] = {{peer, buffer_}};
    return mesh.exchange(step, {}, in);
  }

  std::vector<std::byte> buffer_;
};

}  // namespace calibrate
