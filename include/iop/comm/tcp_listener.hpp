// SPDX-License-Identifier: MIT
#pragma once

// A port that a rank listens on before it knows its peers. Bound to port 0 it gets a free one from the
// operating system and keeps it: a launcher can collect the ports of all ranks and hand them round without a
// race.

#include <iop/comm/tcp_asio.hpp>
#include <iop/core/result.hpp>

#include <cstdint>
#include <exception>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

namespace iop::comm {

/// Where a rank listens: a name or a numeric address (IPv4 or IPv6), and a port.
struct endpoint {
  std::string host;
  std::uint16_t port = 0;
};

/// "hub:4711", "[::1]:4711"; the end of a long name is cut off, so that a sentence keeps room.
inline text<80> address_of(const endpoint& there) {
  const std::string_view host = std::string_view(there.host).substr(0, 60);
  const bool is_v6 = host.find(':') != host.npos;
  return sentence<80>(is_v6 ? "[" : "", host, is_v6 ? "]:" : ":", there.port);
}

class tcp_listener {
 public:
  tcp_listener() = default;
  tcp_listener(tcp_listener&&) = default;
  tcp_listener& operator=(tcp_listener&& other) noexcept {
    acceptor_ = std::move(other.acceptor_);  // first: an acceptor must die before its context
    context_ = std::move(other.context_);
    return *this;
  }

  /// Listens at `here`. An empty host means every address of this machine, port 0 any free port. Error:
  /// system.
  error open(const endpoint& here) noexcept {
    try {
      acceptor_.reset();
      context_ = std::make_unique<asio::io_context>(1);
      acceptor_ = std::make_unique<tcp::acceptor>(*context_);
      if (!here.host.empty()) return open_at(here);
      error reason = bind(tcp::endpoint(tcp::v6(), here.port), here);
      if (reason) reason = bind(tcp::endpoint(tcp::v4(), here.port), here);
      return reason;
    } catch (const std::exception& failure) {
      return refused(here, failure.what());
    }
  }

  /// The port it is bound to; 0 if it is not.
  std::uint16_t port() const {
    error_code reason;
    return is_open() ? acceptor_->local_endpoint(reason).port() : std::uint16_t{0};
  }
  bool is_open() const { return acceptor_ && acceptor_->is_open(); }

 private:
  friend class tcp_mesh;

  error open_at(const endpoint& here) {
    error_code reason;
    tcp::resolver resolver(*context_);
    const auto found = resolver.resolve(here.host, std::to_string(here.port), tcp::resolver::passive, reason);
    if (reason) return refused(here, words_of(reason).view());
    error last;
    for (const auto& each : found) {
      last = bind(each.endpoint(), here);
      if (!last) break;
    }
    return last;
  }

  error bind(const tcp::endpoint& where, const endpoint& here) {
    error_code reason;
    acceptor_->close(reason);
    acceptor_->open(where.protocol(), reason);
    if (!reason) acceptor_->set_option(tcp::acceptor::reuse_address(true), reason);
    if (!reason && where.address().is_v6() && where.address().is_unspecified()) {
      acceptor_->set_option(asio::ip::v6_only(false), reason);
    }
    if (!reason) acceptor_->bind(where, reason);
    if (!reason) acceptor_->listen(tcp::acceptor::max_listen_connections, reason);
    if (!reason) return {};
    error_code ignored;
    acceptor_->close(ignored);
    return refused(here, words_of(reason).view());
  }

  static error refused(const endpoint& here, std::string_view why) {
    return make_error(errc::system, "cannot listen on port ", here.port, " of ",
                      here.host.empty() ? std::string_view("this machine") : std::string_view(here.host),
                      ": ", why);
  }

  std::unique_ptr<asio::io_context> context_;
  std::unique_ptr<tcp::acceptor> acceptor_;
};

}  // namespace iop::comm
