// SPDX-License-Identifier: MIT
#pragma once

// One attempt of two ranks to become connected, seen from either side: a call of this rank, or a guest that
// has called. It lives as long as something is waited for on its behalf.

#include <iop/comm/tcp_asio.hpp>
#include <iop/comm/tcp_hello.hpp>
#include <iop/core/result.hpp>

#include <array>
#include <chrono>
#include <cstddef>
#include <memory>
#include <utility>

namespace iop::comm {

struct tcp_visit {
  explicit tcp_visit(asio::io_context& context) : socket(context), timer(context) {}

  tcp::socket socket;
  asio::steady_timer timer;
  std::size_t peer = error::nowhere;  ///< of a guest: known when it has said hello
  bool is_guest = false;
  bool is_refused = false;
  std::array<std::byte, tcp_hello::bytes> heard{};
  std::array<std::byte, tcp_hello::bytes> said{};
  std::array<std::byte, 8> confirmation{};
};
using tcp_visit_ptr = std::shared_ptr<tcp_visit>;

/// Ends what the visit waits for after `duration`: a call is over then, a guest can still be told why.
inline void limit(const tcp_visit_ptr& v, std::chrono::milliseconds duration) {
  v->timer.expires_after(duration);
  v->timer.async_wait([v](error_code cancelled) {
    if (cancelled) return;
    error_code ignored;
    if (v->is_guest) {
      v->socket.cancel(ignored);
    } else {
      v->socket.close(ignored);
    }
  });
}

/// Reads a hello into `v->heard`, or as much as shows that it is none; then `handler(error_code, bytes
/// read)`.
template <class Handler>
void hear_hello(const tcp_visit_ptr& v, Handler handler) {
  const auto missing = [v](error_code reason, std::size_t count) -> std::size_t {
    return reason ? 0 : hello_bytes_missing(v->heard, count);
  };
  asio::async_read(v->socket, asio::buffer(v->heard), missing, std::move(handler));
}

/// Reads and drops what comes, until the other end leaves or the visit is ended.
inline void drain(const tcp_visit_ptr& v) {
  v->socket.async_read_some(asio::buffer(v->heard), [v](error_code reason, std::size_t) {
    if (!reason) drain(v);
  });
}

/// Reading ended with this because the other end has closed the connection, or died.
inline bool is_end(const error_code& reason) {
  return reason == asio::error::eof || reason == asio::error::connection_reset;
}

/// Whether the other end of a non-blocking socket has closed it, or died.
inline bool is_left(tcp::socket& socket) {
  char next = 0;
  error_code reason;
  socket.receive(asio::buffer(&next, 1), tcp::socket::message_peek, reason);
  return is_end(reason);
}

}  // namespace iop::comm
