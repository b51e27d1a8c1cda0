// SPDX-License-Identifier: MIT
#pragma once

// How the ranks find each other: rank j calls every i < j, again and again because i may start later, and
// answers every k > j. All of it goes on at once, so nobody's silence holds up another. A caller that is no
// iop rank is told so and forgotten; an iop rank that does not fit ends the search on both sides (see
// `judge`). A rank that is connected already may give up meanwhile: its stop frame ends the search too.

#include <iop/comm/notice.hpp>
#include <iop/comm/tcp_asio.hpp>
#include <iop/comm/tcp_frame.hpp>
#include <iop/comm/tcp_hello.hpp>
#include <iop/comm/tcp_listener.hpp>
#include <iop/comm/tcp_visit.hpp>
#include <iop/comm/transport.hpp>

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace iop::comm {

class tcp_rendezvous {
 public:
  tcp_rendezvous(asio::io_context& context, tcp::acceptor& acceptor, std::size_t rank,
                 std::span<const endpoint> endpoints, const identity& what)
      : context_(context),
        acceptor_(acceptor),
        resolver_(context),
        pause_(context),
        rank_(rank),
        endpoints_(endpoints),
        what_(what),
        claimed_(endpoints.size()),
        last_words_(endpoints.size()) {
    for (std::size_t i = 0; i < endpoints.size(); ++i) sockets_.emplace_back(context);
  }

  /// Waits until all peers are connected; an error says which one did not come or does not fit.
  error run(std::chrono::milliseconds limit) {
    const auto deadline = std::chrono::steady_clock::now() + limit;
    missing_ = endpoints_.size() - 1;
    for (std::size_t peer = 0; peer < rank_; ++peer) call(peer);
    accept();
    while (missing_ > 0 && !failure_ && context_.run_one_until(deadline) > 0) {
    }
    if (missing_ > 0 && !failure_) failure_ = nobody(limit);
    stop();
    return failure_;
  }

  /// By rank: the connected sockets. Those of this rank and of peers that did not come are closed.
  std::vector<tcp::socket>& sockets() { return sockets_; }

 private:
  static constexpr std::chrono::milliseconds pause_between_calls{20};
  static constexpr std::chrono::milliseconds call_limit{1'000};  // for one attempt to connect
  static constexpr std::chrono::milliseconds guest_limit{
      2'000};  // for a guest's hello, and for its confirmation

  tcp_visit_ptr begin_visit() {
    std::erase_if(visits_, [](const auto& each) { return each.expired(); });
    auto opened = std::make_shared<tcp_visit>(context_);
    visits_.push_back(opened);
    return opened;
  }

  tcp_hello hello(std::size_t called, bool taken = false) const {
    return {.rank = rank_, .called = called, .what = what_, .taken = taken};
  }

  // ---- calling a lower rank ----

  void call(std::size_t peer) {
    const tcp_visit_ptr v = begin_visit();
    v->peer = peer;
    error_code not_numeric;
    const asio::ip::address numeric = asio::ip::make_address(endpoints_[peer].host, not_numeric);
    if (!not_numeric) return connect(v, std::array{tcp::endpoint(numeric, endpoints_[peer].port)});
    resolver_.async_resolve(endpoints_[peer].host, std::to_string(endpoints_[peer].port),
                            [this, v](error_code reason, const tcp::resolver::results_type& found) {
                              if (reason) return call_again(v, words_of(reason).view());
                              connect(v, found);
                            });
  }

  template <class Addresses>
  void connect(const tcp_visit_ptr& v, const Addresses& addresses) {
    if (done_) return;
    limit(v, call_limit);
    asio::async_connect(v->socket, addresses, [this, v](error_code reason, const tcp::endpoint&) {
      if (reason) return call_again(v, words_of(reason).view());
      v->timer.cancel();
      // TCP lets a socket connect to itself when it happens to get the port that it calls.
      if (v->socket.local_endpoint(reason) == v->socket.remote_endpoint(reason)) {
        return call_again(v, "nobody listens there");
      }
      v->said = hello(v->peer).encode();
      asio::async_write(v->socket, asio::buffer(v->said), [v](error_code, std::size_t) {});
      hear_hello(v, [this, v](error_code failed, std::size_t count) { answered(v, failed, count); });
    });
  }

  void answered(const tcp_visit_ptr& v, error_code reason, std::size_t count) {
    if (done_) return;
    if (reason) return call_again(v, "it closed the connection without a hello");
    const tcp_hello theirs = decode_hello(v->heard);
    if (count < tcp_hello::bytes || !theirs.is_ours()) {
      return call_again(v, "what answers there does not speak this version of iop's protocol");
    }
    if (error differs = judge(hello(v->peer), theirs, true, address_of(v->socket).view()))
      return fail(differs);
    v->confirmation = to_bytes(std::array{tcp_hello::confirmation});
    asio::async_write(v->socket, asio::buffer(v->confirmation), [this, v](error_code failed, std::size_t) {
      failed ? call_again(v, words_of(failed).view()) : keep(v);
    });
  }

  void call_again(const tcp_visit_ptr& v, std::string_view why) {
    if (done_) return;
    error_code ignored;
    v->socket.close(ignored);
    last_words_[v->peer] = text<80>(why);
    v->timer.expires_after(pause_between_calls);
    v->timer.async_wait([this, v](error_code) {
      if (!done_) call(v->peer);
    });
  }

  // ---- answering a higher rank ----

  void accept() {
    acceptor_.async_accept([this](error_code reason, tcp::socket guest) {
      if (done_) return;
      if (reason) {  // such as too many open files: wait until some guests are gone
        pause_.expires_after(pause_between_calls);
        return pause_.async_wait([this](error_code) { done_ ? void() : accept(); });
      }
      const tcp_visit_ptr v = begin_visit();
      v->socket = std::move(guest);
      v->is_guest = true;
      limit(v, guest_limit);
      hear_hello(v, [this, v](error_code failed, std::size_t count) {
        if (done_) return;
        const bool is_rank = !failed && count == tcp_hello::bytes && decode_hello(v->heard).is_ours();
        is_rank ? answer(v) : refuse(v);
      });
      accept();
    });
  }

  void answer(const tcp_visit_ptr& v) {
    const tcp_hello theirs = decode_hello(v->heard);
    const text<63> address = address_of(v->socket);
    error differs = judge(hello(theirs.rank), theirs, false, address.view());
    const bool taken = !differs && sockets_[theirs.rank].is_open();
    if (taken) {
      differs = error_at(errc::protocol, theirs.rank, error::nowhere, "two processes say that they are rank ",
                         theirs.rank, ": one at ", address_of(sockets_[theirs.rank]).view(), " and one at ",
                         address.view());
    }
    v->peer = theirs.rank;
    if (!differs && claimed_[v->peer])
      return held_back_.push_back(v);  // until the other one confirms or leaves
    if (!differs) claimed_[v->peer] = true;
    v->said = hello(theirs.rank, taken).encode();
    asio::async_write(v->socket, asio::buffer(v->said), [this, v, differs](error_code, std::size_t) {
      if (differs) return fail(differs);
      asio::async_read(v->socket, asio::buffer(v->confirmation), [this, v](error_code reason, std::size_t) {
        if (done_) return;
        claimed_[v->peer] = false;
        const bool confirmed = !reason && to_words(v->confirmation)[0] == tcp_hello::confirmation;
        confirmed ? keep(v) : refuse(v);
        for (const tcp_visit_ptr& held : std::exchange(held_back_, {})) answer(held);
      });
    });
  }

  /// Tells a stranger what this port is for, then reads on until it leaves: closing earlier could lose the
  /// sentence.
  void refuse(const tcp_visit_ptr& v) {
    ++strangers_;
    v->is_refused = true;
    limit(v, guest_limit);
    asio::async_write(v->socket, asio::buffer(tcp_hello::refusal), [this, v](error_code reason, std::size_t) {
      v->socket.shutdown(tcp::socket::shutdown_send, reason);
      drain(v);
    });
  }

  void drain(const tcp_visit_ptr& v) {
    v->socket.async_read_some(asio::buffer(v->heard), [this, v](error_code reason, std::size_t) {
      reason || done_ ? void() : drain(v);
    });
  }

  // ---- both ----

  void keep(const tcp_visit_ptr& v) {
    if (done_) return;
    v->timer.cancel();
    tcp::socket& socket = sockets_[v->peer] = std::move(v->socket);
    --missing_;
    socket.async_wait(tcp::socket::wait_read, [this, &socket, peer = v->peer](error_code failed) {
      if (failed || done_) return;
      tcp_frame::header header{};
      error_code ignored;
      const std::size_t count = socket.receive(asio::buffer(header), tcp::socket::message_peek, ignored);
      const notice told = notice_of(decode_frame(header), peer);
      if (count == header.size() && told.code != errc::none) fail(to_error(told, rank_));
    });
  }

  void fail(const error& reason) {
    if (!done_ && !failure_) failure_ = reason;
  }

  error nobody(std::chrono::milliseconds limit) const {
    std::size_t peer = 0;
    while (peer == rank_ || sockets_[peer].is_open()) ++peer;
    std::size_t refused = strangers_;
    for (const auto& each : visits_) {
      const tcp_visit_ptr v = each.lock();  // guests that are silent still count
      if (v && v->is_guest && v->peer == error::nowhere && !v->is_refused) ++refused;
    }
    error reason =
        error_at(errc::time_out, peer, error::nowhere, "rank ", peer, " at ", endpoints_[peer].host, ":",
                 endpoints_[peer].port, " is still missing after ", static_cast<std::uint64_t>(limit.count()),
                 " ms; ", refused, " strangers were refused");
    if (!last_words_[peer].empty())
      reason.message.append("; the last try: ").append(last_words_[peer].view());
    return reason;
  }

  /// Ends all that is still under way and lets go of it, so that no handler outlives this object.
  void stop() {
    done_ = true;
    error_code ignored;
    acceptor_.close(ignored);
    resolver_.cancel();
    pause_.cancel();
    for (const auto& each : visits_) {
      const tcp_visit_ptr v = each.lock();
      if (!v) continue;
      v->timer.cancel();
      v->socket.close(ignored);
    }
    for (tcp::socket& socket : sockets_) socket.cancel(ignored);
    held_back_.clear();
    context_.poll();
  }

  asio::io_context& context_;
  tcp::acceptor& acceptor_;
  tcp::resolver resolver_;
  asio::steady_timer pause_;
  const std::size_t rank_;
  const std::span<const endpoint> endpoints_;
  const identity what_;

  std::vector<tcp::socket> sockets_;      // by rank
  std::vector<bool> claimed_;             // by rank: a guest was answered and has not confirmed yet
  std::vector<text<80>> last_words_;      // by rank: why the last call failed
  std::vector<tcp_visit_ptr> held_back_;  // guests with the rank of another one that has not confirmed yet
  std::vector<std::weak_ptr<tcp_visit>> visits_;
  std::size_t missing_ = 0;
  std::size_t strangers_ = 0;
  bool done_ = false;
  error failure_;
};

}  // namespace iop::comm
