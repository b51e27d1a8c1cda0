// SPDX-License-Identifier: MIT
#pragma once

// How the ranks find each other: rank j calls every i < j, again and again because i may start later, and
// answers every k > j. All of it goes on at once, so nobody's silence holds up another. A caller that is no
// iop rank is told so and forgotten; an iop rank that does not fit ends the search on both sides (`judge`).
// So does the stop frame of a connected rank that gives up. One that ends without a word is missing again.

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
  static constexpr std::chrono::milliseconds call_limit{1'000};   // to connect, and for the answer's hello
  static constexpr std::chrono::milliseconds guest_limit{2'000};  // for a hello, and for its confirmation
  static constexpr std::string_view silence =
      "it accepts connections but says nothing: is it a rank, and running?";

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
      if (reason == asio::error::operation_aborted) return call_again(v, "no answer");
      if (reason) return call_again(v, words_of(reason).view());
      // TCP lets a socket connect to itself when it happens to get the port that it calls.
      if (v->socket.local_endpoint(reason) == v->socket.remote_endpoint(reason)) {
        return call_again(v, "nobody listens there");
      }
      limit(v, call_limit);
      last_words_[v->peer] = text<80>(silence);
      v->said = hello(v->peer).encode();
      asio::async_write(v->socket, asio::buffer(v->said), [v](error_code, std::size_t) {});
      hear_hello(v, [this, v](error_code failed, std::size_t count) { answered(v, failed, count); });
    });
  }

  void answered(const tcp_visit_ptr& v, error_code reason, std::size_t count) {
    if (done_) return;
    v->timer.cancel();
    if (reason == asio::error::operation_aborted) return call_again(v, silence);
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
    error differs = judge(hello(theirs.rank), theirs, false, address_of(v->socket).view());
    v->peer = theirs.rank;
    const bool taken = !differs && is_taken(v->peer);
    if (taken) differs = two_processes(v);
    v->said = hello(theirs.rank, taken).encode();
    limit(v, guest_limit);
    asio::async_write(v->socket, asio::buffer(v->said), [this, v, differs](error_code, std::size_t) {
      if (differs) return fail(differs);
      asio::async_read(v->socket, asio::buffer(v->confirmation), [this, v](error_code reason, std::size_t) {
        if (done_ || is_end(reason)) return;  // it left, and will call again if it is a rank
        const bool confirmed = !reason && to_words(v->confirmation)[0] == tcp_hello::confirmation;
        confirmed ? join(v) : refuse(v);
      });
    });
  }

  /// Of several guests with the same rank the first to confirm has it, so that silent ones keep nobody out.
  void join(const tcp_visit_ptr& v) {
    if (!is_taken(v->peer)) return keep(v);
    const error twice = two_processes(v);
    const auto last = stop_frame({twice.code, rank_, twice.rank, twice.step}).encode();
    error_code ignored;
    v->socket.write_some(asio::buffer(last), ignored);
    fail(twice);
  }

  bool is_taken(std::size_t peer) {
    if (sockets_[peer].is_open() && is_left(sockets_[peer])) lose(peer);
    return sockets_[peer].is_open();
  }

  error two_processes(const tcp_visit_ptr& v) const {
    return error_at(errc::protocol, v->peer, error::nowhere, "two processes say that they are rank ", v->peer,
                    ": one at ", address_of(sockets_[v->peer]).view(), " and one at ",
                    address_of(v->socket).view());
  }

  /// Tells a stranger what this port is for, then reads on until it leaves: closing earlier could lose the
  /// sentence.
  void refuse(const tcp_visit_ptr& v) {
    ++strangers_;
    v->is_refused = true;
    limit(v, guest_limit);
    asio::async_write(v->socket, asio::buffer(tcp_hello::refusal), [v](error_code reason, std::size_t) {
      v->socket.shutdown(tcp::socket::shutdown_send, reason);
      drain(v);
    });
  }

  // ---- both ----

  void keep(const tcp_visit_ptr& v) {
    if (done_) return;
    if (!v->socket.is_open()) return call_again(v, silence);  // a call whose time ran out just now
    v->timer.cancel();
    tcp::socket& socket = sockets_[v->peer];
    if (!socket.is_open()) --missing_;
    socket = std::move(v->socket);
    error_code ignored;
    socket.non_blocking(true, ignored);
    socket.async_wait(tcp::socket::wait_read, [this, &socket, peer = v->peer](error_code failed) {
      if (failed || done_) return;
      tcp_frame::header header{};
      error_code reason;
      const std::size_t count = socket.receive(asio::buffer(header), tcp::socket::message_peek, reason);
      const notice told = notice_of(decode_frame(header), peer);
      if (count == header.size() && told.code != errc::none) fail(to_error(told, rank_));
      if (is_end(reason)) lose(peer);
    });
  }

  /// A peer has died after it was connected; it may be started again.
  void lose(std::size_t peer) {
    sockets_[peer] = tcp::socket(context_);
    ++missing_;
    last_words_[peer] = text<80>(std::string_view("it was connected, then it ended"));
    if (peer < rank_) call(peer);
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
        error_at(errc::time_out, peer, error::nowhere, "rank ", peer, " at ",
                 address_of(endpoints_[peer]).view(), " is still missing after ",
                 static_cast<std::uint64_t>(limit.count()), " ms; ", refused, " strangers were refused");
    if (!last_words_[peer].empty())
      reason.message.append("; the last try: ").append(last_words_[peer].view());
    return reason;
  }

  /// Ends all that is under way, so that no handler outlives this object.
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
    context_.poll();
  }

  asio::io_context& context_;
  tcp::acceptor& acceptor_;
  tcp::resolver resolver_;
  asio::steady_timer pause_;
  const std::size_t rank_;
  const std::span<const endpoint> endpoints_;
  const identity what_;

  std::vector<tcp::socket> sockets_;  // by rank
  std::vector<text<80>> last_words_;  // by rank: why the last call failed, or what it waits for
  std::vector<std::weak_ptr<tcp_visit>> visits_;
  std::size_t missing_ = 0;
  std::size_t strangers_ = 0;
  bool done_ = false;
  error failure_;
};

}  // namespace iop::comm
