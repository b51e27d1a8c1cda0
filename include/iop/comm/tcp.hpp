// SPDX-License-Identifier: MIT
#pragma once

// The transport for devices on a network: a TCP connection between every two ranks, opened once. An exchange
// moves all its messages at once without blocking and sleeps in poll(2) while none can move; it allocates
// nothing and copies nothing. A rank that meets an error tells all others who is at fault before it closes,
// so that every rank stops within its time-out and most name the same culprit.
//
//   iop::comm::tcp_listener listener;
//   listener.open({"", 4711});                                     // each returns an error; its message is a
//   sentence iop::comm::tcp_mesh mesh; mesh.connect(std::move(listener), 1, {{"camera", 4711}, {"hub",
//   4711}}, {network_digest, plan_digest, 2});

#include <iop/comm/notice.hpp>
#include <iop/comm/tcp_asio.hpp>
#include <iop/comm/tcp_link.hpp>
#include <iop/comm/tcp_listener.hpp>
#include <iop/comm/tcp_rendezvous.hpp>
#include <iop/comm/transport.hpp>

#include <poll.h>
#include <algorithm>
#include <chrono>
#include <cstddef>
#include <exception>
#include <memory>
#include <span>
#include <utility>
#include <vector>

namespace iop::comm {

struct tcp_options {
  std::chrono::milliseconds connect_time_out{10'000};   ///< for all peers to appear
  std::chrono::milliseconds exchange_time_out{10'000};  ///< for one exchange as a whole
};

/// One rank's end of the mesh; models `transport`. Used by one thread at a time. Its destruction is its
/// leaving.
class tcp_mesh {
 public:
  tcp_mesh() = default;
  tcp_mesh(tcp_mesh&&) = default;
  tcp_mesh& operator=(tcp_mesh&&) = delete;
  ~tcp_mesh() { leave(); }

  std::size_t rank() const { return rank_; }
  std::size_t size() const { return size_; }
  traffic counters() const { return counters_; }

  /// Connects to all other ranks. `endpoints[r]` is where rank r listens; `listener` is this rank's own and
  /// is closed afterwards. Once per mesh. Errors: time_out (names the missing rank), protocol (a peer is not
  /// of this deployment), system, bad_argument; what another rank reports when it gives up. A name server
  /// that does not answer may hold it up beyond the time-out; numeric addresses need none.
  error connect(tcp_listener listener, std::size_t rank, std::vector<endpoint> endpoints,
                const identity& what, const tcp_options& options = {}) noexcept {
    try {
      if (context_) return make_error(errc::bad_argument, "a mesh connects once");
      if (!listener.is_open())
        return make_error(errc::bad_argument, "the listener of rank ", rank, " is not open");
      if (endpoints.size() != what.ranks || rank >= what.ranks) {
        return make_error(errc::bad_argument, "rank ", rank, " of ", what.ranks, " got ", endpoints.size(),
                          " endpoints: there must be one for each rank");
      }
      context_ = std::move(listener.context_);
      rank_ = rank;
      size_ = what.ranks;
      time_out_ = std::min<std::chrono::milliseconds>(options.exchange_time_out, std::chrono::hours(24));
      tcp_rendezvous meeting(*context_, *listener.acceptor_, rank, endpoints, what);
      const error reason =
          meeting.run(std::min<std::chrono::milliseconds>(options.connect_time_out, std::chrono::hours(24)));
      take_over(meeting.sockets());
      return failure_ = reason ? give_up(reason) : error{};
    } catch (const std::exception& unexpected) {
      return failure_ = make_error(errc::system, "rank ", rank, " cannot connect: ", unexpected.what());
    }
  }

  /// No more exchanges: whoever waits for this rank gets errc::disconnected.
  void leave() noexcept {
    if (!failure_) {
      failure_ =
          error_at(errc::disconnected, rank_, error::nowhere, "rank ", rank_, " left and exchanges no more");
    }
    for (tcp_link& link : links_) link.say_goodbye();
    links_.clear();
  }

  /// See `transport`. Errors: time_out, disconnected, protocol (what came is not what is expected),
  /// bad_argument.
  error exchange(std::size_t step, std::span<const outgoing> sends,
                 std::span<const incoming> receives) noexcept {
    if (failure_) return failure_;
    if (!context_) return make_error(errc::disconnected, "the mesh is not connected");
    error reason = check_peers(sends, rank_, size_, step);
    if (!reason) reason = check_peers(receives, rank_, size_, step);
    if (!reason) {
      for (tcp_link& link : links_) link.begin(step, sends, receives);
      reason = move_all(step);
    }
    if (reason) return failure_ = give_up(reason);
    for (tcp_link& link : links_) link.end();
    return {};
  }

 private:
  using time_point = std::chrono::steady_clock::time_point;

  void take_over(std::vector<tcp::socket>& sockets) {
    links_.reserve(size_);
    for (std::size_t peer = 0; peer < size_; ++peer) {
      if (!sockets[peer].is_open()) continue;
      error_code ignored;  // a socket that is broken by now shows in the first exchange
      sockets[peer].set_option(tcp::no_delay(true), ignored);
      sockets[peer].non_blocking(true, ignored);
      links_.emplace_back(std::move(sockets[peer]), rank_, peer);
    }
    polled_.resize(links_.size());
  }

  /// Writes and reads whatever can move, until nothing is due.
  error move_all(std::size_t step) {
    const time_point deadline = std::chrono::steady_clock::now() + time_out_;
    for (tcp_link& link : links_) {
      if (error reason = link.write(counters_)) return pass_on(reason, link.peer(), step, deadline);
    }
    for (tcp_link& link : links_) {
      if (!link.is_receiving() && !link.is_gone()) continue;
      if (error reason = link.read(counters_)) return pass_on(reason, link.peer(), step, deadline);
    }
    for (;;) {
      const auto late_one =
          std::find_if(links_.begin(), links_.end(), [](const tcp_link& l) { return l.is_busy(); });
      if (late_one == links_.end()) return {};
      const bool is_in_time = wait(deadline, [](const tcp_link& link) {
        return (link.can_read() ? POLLIN : 0) | (link.is_sending() ? POLLOUT : 0);
      });
      if (!is_in_time) return late(late_one->peer(), step, time_out_);
      for (std::size_t i = 0; i < links_.size(); ++i) {
        tcp_link& link = links_[i];
        if (polled_[i].revents & ~POLLOUT) {
          if (error reason = link.read(counters_)) return pass_on(reason, link.peer(), step, deadline);
        }
        if (polled_[i].revents & ~POLLIN) {
          if (error reason = link.write(counters_)) return pass_on(reason, link.peer(), step, deadline);
        }
      }
    }
  }

  /// Sleeps until a link can do what `wanted` says of it. False when the deadline has passed.
  template <class Wanted>
  bool wait(time_point deadline, Wanted wanted) {
    for (std::size_t i = 0; i < links_.size(); ++i) {
      const auto events = static_cast<short>(wanted(links_[i]));
      polled_[i] = {events != 0 ? links_[i].socket().native_handle() : -1, events, 0};  // poll skips -1
    }
    const auto left =
        std::chrono::ceil<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now());
    if (left.count() <= 0) return false;
    const int ready =
        ::poll(polled_.data(), static_cast<nfds_t>(polled_.size()), static_cast<int>(left.count()));
    return ready != 0;  // an interrupted sleep is no error: nothing is ready, and the caller comes again
  }

  /// A rank that is called late, but has itself waited for most of the time-out, passes the blame on.
  error pass_on(const error& reason, std::size_t reporter, std::size_t step, time_point deadline) const {
    if (reason.code != errc::time_out || reason.rank != rank_) return reason;
    if (std::chrono::steady_clock::now() < deadline - time_out_ / 2) return reason;
    for (const tcp_link& link : links_) {
      if (link.peer() == reporter || !link.is_busy()) continue;
      return error_at(errc::time_out, link.peer(), step, "rank ", link.peer(), " did not answer ",
                      place_of(step).view(), "; rank ", reporter, " waited for this rank ", rank_,
                      " meanwhile and gave up");
    }
    return reason;
  }

  /// Tells all peers and closes, within a quarter of the time-out and never more than 250 ms. The rank that
  /// was late may name another one in return.
  error give_up(error reason) {
    const time_point deadline =
        std::chrono::steady_clock::now() + std::min(time_out_ / 4, std::chrono::milliseconds(250));
    const auto last = stop_frame({reason.code, rank_, reason.rank, reason.step}).encode();
    const std::size_t accused = reason.code == errc::time_out ? reason.rank : rank_;
    for (bool is_open = true; is_open;) {
      is_open = false;
      for (tcp_link& link : links_) {
        link.say_last(last);
        const notice told = link.hear_last();
        const bool names_another = told.culprit != rank_ && told.culprit != link.peer();
        if (link.peer() == accused && told.code == errc::time_out && names_another)
          reason = to_error(told, rank_);
        is_open |= !link.is_told() || !link.is_gone();
      }
      is_open = is_open && wait(deadline, [](const tcp_link& link) {
                  return (link.is_gone() ? 0 : POLLIN) | (link.is_told() ? 0 : POLLOUT);
                });
    }
    links_.clear();
    return reason;
  }

  std::unique_ptr<asio::io_context> context_;  // first: the sockets must die before it
  std::vector<tcp_link> links_;                // by peer, without this rank
  std::vector<pollfd> polled_;
  std::size_t rank_ = 0;
  std::size_t size_ = 0;
  std::chrono::milliseconds time_out_{};
  traffic counters_;
  error failure_;
};

static_assert(transport<tcp_mesh>);

}  // namespace iop::comm
