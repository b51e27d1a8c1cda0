// SPDX-License-Identifier: MIT
#pragma once

// Ranks as threads of one process: the transport for tests and for trying a plan on one machine. A message is
// a rendezvous: the sender shows its span in the mailbox of the pair, the receiver copies it straight into
// its own and empties the box. So nothing is allocated after construction and every message is copied once,
// outside the lock. Steps are numbered alike on all ranks, so the exchange with the lowest number can always
// proceed: no deadlock.

#include <iop/comm/notice.hpp>
#include <iop/comm/transport.hpp>

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstring>
#include <mutex>
#include <span>
#include <vector>

namespace iop::comm {

/// What the ranks of one process share. Make it first, destroy it last.
class in_process_hub {
 public:
  /// `time_out` limits every exchange of every rank.
  explicit in_process_hub(std::size_t ranks,
                          std::chrono::milliseconds time_out = std::chrono::milliseconds(10'000))
      : ranks_(ranks), time_out_(time_out), boxes_(ranks * ranks), seats_(ranks) {}

  std::size_t size() const { return ranks_; }

 private:
  friend class in_process_mesh;

  enum class state { empty, full, copying };
  struct mailbox {
    state now = state::empty;
    std::size_t step = 0;
    std::span<const std::byte> bytes{};
  };
  struct seat {
    std::condition_variable bell;
    std::size_t waits_for = error::nowhere;
    bool left = false;
  };

  mailbox& box(std::size_t from, std::size_t to) { return boxes_[from * ranks_ + to]; }
  void ring_all() {
    for (seat& each : seats_) each.bell.notify_all();
  }

  const std::size_t ranks_;
  const std::chrono::milliseconds time_out_;
  std::mutex mutex_;
  std::vector<mailbox> boxes_;
  std::vector<seat> seats_;
  notice failure_;
};

/// One rank's end; models `transport`. Used by one thread at a time. Its destruction is its leaving.
class in_process_mesh {
 public:
  in_process_mesh(in_process_hub& hub, std::size_t rank)
      : hub_(hub), rank_(rank), next_send_(hub.size()), next_receive_(hub.size()), shown_(hub.size()) {}
  in_process_mesh(const in_process_mesh&) = delete;
  in_process_mesh& operator=(const in_process_mesh&) = delete;
  ~in_process_mesh() { leave(); }

  std::size_t rank() const { return rank_; }
  std::size_t size() const { return hub_.size(); }
  traffic counters() const { return counters_; }

  /// No more exchanges: whoever waits for this rank gets errc::disconnected.
  void leave() {
    const std::lock_guard lock(hub_.mutex_);
    hub_.seats_[rank_].left = true;
    hub_.ring_all();
  }

  /// See `transport`. Errors: time_out, disconnected, protocol (step or size differ), bad_argument.
  error exchange(std::size_t step, std::span<const outgoing> sends,
                 std::span<const incoming> receives) noexcept {
    std::unique_lock lock(hub_.mutex_);
    if (hub_.failure_.code != errc::none) return to_error(hub_.failure_, rank_);
    if (hub_.seats_[rank_].left) {
      return error_at(errc::disconnected, rank_, step, "rank ", rank_, " left and exchanges no more");
    }
    if (error reason = check_peers(sends, rank_, size(), step)) return give_up(lock, reason);
    if (error reason = check_peers(receives, rank_, size(), step)) return give_up(lock, reason);

    const auto deadline = std::chrono::steady_clock::now() + hub_.time_out_;
    for (std::size_t peer = 0; peer < size(); ++peer) {
      next_send_[peer] = next_for(peer, sends, 0);
      next_receive_[peer] = next_for(peer, receives, 0);
    }
    for (;;) {
      bool moved = false;
      std::size_t awaited = error::nowhere;
      for (std::size_t peer = 0; peer < size(); ++peer) {
        moved |= show(peer, step, sends);
        if (error reason = take(peer, step, receives, lock, moved)) return give_up(lock, reason);
        if (next_send_[peer] < sends.size() || next_receive_[peer] < receives.size()) awaited = peer;
      }
      if (awaited == error::nowhere) return {};
      if (moved) continue;  // the lock was open meanwhile: look again
      if (hub_.failure_.code != errc::none) {
        withdraw(lock);
        return to_error(hub_.failure_, rank_);
      }
      if (hub_.seats_[awaited].left) {
        return give_up(lock, error_at(errc::disconnected, awaited, step, "rank ", awaited, " left ",
                                      place_of(step).view(), " with messages due"));
      }
      hub_.seats_[rank_].waits_for = awaited;
      const auto woken = hub_.seats_[rank_].bell.wait_until(lock, deadline);
      if (woken == std::cv_status::timeout && hub_.failure_.code == errc::none) {
        return give_up(lock, late(end_of_queue(awaited), step, hub_.time_out_));
      }
      hub_.seats_[rank_].waits_for = error::nowhere;
    }
  }

 private:
  using state = in_process_hub::state;

  /// Sees whether the peer has emptied the box, and shows it the next message.
  bool show(std::size_t peer, std::size_t step, std::span<const outgoing> sends) {
    std::size_t& next = next_send_[peer];
    in_process_hub::mailbox& box = hub_.box(rank_, peer);
    if (next == sends.size() || box.now != state::empty) return false;
    if (shown_[peer]) {
      ++counters_.messages_sent;
      counters_.bytes_sent += sends[next].bytes.size();
      shown_[peer] = false;
      next = next_for(peer, sends, next + 1);
    }
    if (next < sends.size()) {
      box = {state::full, step, sends[next].bytes};
      shown_[peer] = true;
      hub_.seats_[peer].bell.notify_one();
    }
    return true;
  }

  /// Copies the next message of the peer, if it shows one. The lock is open while the bytes are copied.
  error take(std::size_t peer, std::size_t step, std::span<const incoming> receives,
             std::unique_lock<std::mutex>& lock, bool& moved) {
    std::size_t& next = next_receive_[peer];
    in_process_hub::mailbox& box = hub_.box(peer, rank_);
    if (next == receives.size() || box.now != state::full) return {};
    const std::span<std::byte> target = receives[next].bytes;
    if (box.step != step) {
      return error_at(errc::protocol, peer, step, "rank ", peer, " sent a message of step ", box.step,
                      ", rank ", rank_, " expects one of step ", step);
    }
    if (box.bytes.size() != target.size()) {
      return error_at(errc::protocol, peer, step, "rank ", peer, " sent ", box.bytes.size(),
                      " bytes in step ", step, ", rank ", rank_, " expects ", target.size());
    }
    box.now = state::copying;
    lock.unlock();
    if (!target.empty()) std::memcpy(target.data(), box.bytes.data(), target.size());
    lock.lock();
    box.now = state::empty;
    hub_.seats_[peer].bell.notify_one();
    ++counters_.messages_received;
    counters_.bytes_received += target.size();
    next = next_for(peer, receives, next + 1);
    moved = true;
    return {};
  }

  /// Who is really late: a peer that itself waits passes the blame on.
  std::size_t end_of_queue(std::size_t peer) const {
    for (std::size_t hops = 0; hops < size(); ++hops) {
      const std::size_t behind = hub_.seats_[peer].waits_for;
      if (behind == error::nowhere || behind == rank_) break;
      peer = behind;
    }
    return peer;
  }

  error give_up(std::unique_lock<std::mutex>& lock, const error& reason) {
    if (hub_.failure_.code == errc::none) hub_.failure_ = {reason.code, rank_, reason.rank, reason.step};
    hub_.ring_all();
    withdraw(lock);
    return reason;
  }

  /// Takes this rank's spans out of the boxes; waits for a copy under way, since it reads from them.
  void withdraw(std::unique_lock<std::mutex>& lock) {
    for (std::size_t peer = 0; peer < size(); ++peer) {
      in_process_hub::mailbox& box = hub_.box(rank_, peer);
      while (box.now == state::copying) hub_.seats_[rank_].bell.wait(lock);
      box.now = state::empty;
      shown_[peer] = false;
    }
    hub_.seats_[rank_].waits_for = error::nowhere;
  }

  in_process_hub& hub_;
  const std::size_t rank_;
  std::vector<std::size_t> next_send_, next_receive_;  // by peer: index of the message under way
  std::vector<bool> shown_;                            // by peer: that message is in the box
  traffic counters_;
};

static_assert(transport<in_process_mesh>);

}  // namespace iop::comm
