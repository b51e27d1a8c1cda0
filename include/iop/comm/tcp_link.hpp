// SPDX-License-Identifier: MIT
#pragma once

// One peer of a mesh: its connection, and how far the frame being read and the frame being written have come.
// Nothing here waits: `read` and `write` go as far as the operating system lets them. Payloads go straight
// from and to the caller's spans; header and payload share one system call. A header may arrive before its
// exchange begins here: it stays until then, its payload stays in the operating system.

#include <iop/comm/checksum.hpp>
#include <iop/comm/notice.hpp>
#include <iop/comm/tcp_asio.hpp>
#include <iop/comm/tcp_frame.hpp>
#include <iop/comm/transport.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>

namespace iop::comm {

class tcp_link {
 public:
  tcp_link(tcp::socket socket, std::size_t rank, std::size_t peer)
      : socket_(std::move(socket)), rank_(rank), peer_(peer) {}

  tcp::socket& socket() { return socket_; }
  std::size_t peer() const { return peer_; }
  bool is_sending() const { return next_send_ < sends_.size(); }
  bool is_receiving() const { return next_receive_ < receives_.size(); }
  bool is_busy() const { return is_sending() || is_receiving(); }
  /// Worth waiting for: a message that is due, or else the news that the peer gives up or is gone.
  bool can_read() const { return !is_gone_ && (is_receiving() || header_read_ < tcp_frame::header_bytes); }

  /// Takes up the messages of one exchange that are to or from this peer.
  void begin(std::size_t step, std::span<const outgoing> sends, std::span<const incoming> receives) {
    step_ = step;
    sends_ = sends;
    receives_ = receives;
    next_send_ = next_for(peer_, sends, 0);
    next_receive_ = next_for(peer_, receives, 0);
  }

  /// Forgets the caller's spans, which end with the exchange. A frame half written stays half written.
  void end() {
    sends_ = {};
    receives_ = {};
    next_send_ = next_receive_ = 0;
  }

  /// Writes what can be written now.
  error write(traffic& counters) {
    while (is_sending()) {
      const std::span<const std::byte> payload = sends_[next_send_].bytes;
      if (written_ == 0) header_out_ = data_frame(step_, frames_written_, payload).encode();
      error_code reason;
      const std::size_t total = tcp_frame::header_bytes + payload.size();
      written_ += socket_.write_some(unsent(payload), reason);
      if (reason == asio::error::would_block) return {};
      if (reason) return broken(reason, counters);
      if (written_ < total) continue;
      ++frames_written_;
      ++counters.messages_sent;
      counters.bytes_sent += payload.size();
      next_send_ = next_for(peer_, sends_, next_send_ + 1);
      written_ = 0;
    }
    return {};
  }

  /// Reads what is there now. When no message is due, reads a header at most.
  error read(traffic& counters) {
    for (bool is_drained = false;;) {
      const std::span<std::byte> payload =
          is_receiving() ? receives_[next_receive_].bytes : std::span<std::byte>{};
      if (header_read_ == tcp_frame::header_bytes) {
        const tcp_frame frame = decode_frame(header_in_);
        if (is_goodbye(frame)) {
          is_gone_ = true;
          gone_reason_ = asio::error::eof;
          return is_busy() ? gone() : error{};
        }
        if (error reason = check_header(frame, payload.size())) return reason;
        if (!is_receiving()) return {};
        if (payload_read_ == payload.size()) {
          if (error reason = finish(payload, counters)) return reason;
          if (!is_receiving()) return {};
          continue;
        }
      }
      if (is_gone_) return is_busy() ? gone() : error{};
      if (is_drained) return {};
      error_code reason;
      const std::size_t wanted = tcp_frame::header_bytes + payload.size() - header_read_ - payload_read_;
      const std::size_t count = socket_.read_some(unread(payload), reason);
      if (reason == asio::error::would_block) return {};
      is_drained = !reason && count < wanted;  // no need to ask again
      if (reason) {
        is_gone_ = true;
        gone_reason_ = reason;
      }
      const std::size_t of_header = std::min(count, tcp_frame::header_bytes - header_read_);
      header_read_ += of_header;
      payload_read_ += count - of_header;
      hashed_ += sum_.add_blocks(payload.subspan(hashed_, payload_read_ - hashed_));
    }
  }

  /// The last word of a rank that is not in an exchange.
  void say_goodbye() {
    error_code ignored;
    socket_.write_some(asio::buffer(goodbye_frame().encode()), ignored);
  }

  /// The last words of a rank that gives up, as far as they can be sent now: completes the frame half
  /// written, sends `last` and ends the stream.
  void say_last(const tcp_frame::header& last) {
    while (!is_told_) {
      if (written_ == 0) {
        end();
        header_out_ = last;
      }
      const std::span<const std::byte> payload =
          is_sending() ? sends_[next_send_].bytes : std::span<const std::byte>{};
      error_code reason;
      written_ += socket_.write_some(unsent(payload), reason);
      if (reason == asio::error::would_block) return;
      if (!reason && written_ < tcp_frame::header_bytes + payload.size()) continue;
      is_told_ = reason || !is_sending();
      written_ = 0;
      if (is_told_) socket_.shutdown(tcp::socket::shutdown_send, reason);
    }
  }

  /// Reads and drops what the peer still sends, but for the notice that it gives up too. (Closing a
  /// connection with bytes unread would destroy those on their way to the peer.) A stretch at a time: a peer
  /// may send faster than this rank reads, and the caller has a deadline.
  notice hear_last() {
    for (int reads = 0; !is_gone_ && reads < 16; ++reads) {
      std::array<std::byte, 4096> dropped;
      error_code reason;
      if (header_read_ < tcp_frame::header_bytes) {
        header_read_ += socket_.read_some(asio::buffer(header_in_) + header_read_, reason);
      } else {
        socket_.read_some(asio::buffer(dropped), reason);
      }
      if (reason == asio::error::would_block) break;
      is_gone_ = static_cast<bool>(reason);
    }
    return header_read_ == tcp_frame::header_bytes ? notice_of(decode_frame(header_in_), peer_) : notice{};
  }

  /// The stop frame is sent (or cannot be).
  bool is_told() const { return is_told_; }
  /// The peer has closed its side.
  bool is_gone() const { return is_gone_; }

 private:
  std::array<asio::const_buffer, 2> unsent(std::span<const std::byte> payload) const {
    const std::size_t of_payload = std::max(written_, tcp_frame::header_bytes) - tcp_frame::header_bytes;
    return {asio::buffer(header_out_) + written_, asio::buffer(payload.data(), payload.size()) + of_payload};
  }
  std::array<asio::mutable_buffer, 2> unread(std::span<std::byte> payload) {
    return {asio::buffer(header_in_) + header_read_,
            asio::buffer(payload.data(), payload.size()) + payload_read_};
  }

  error check_header(const tcp_frame& frame, std::size_t expected_bytes) const {
    if (const notice told = notice_of(frame, peer_); told.code != errc::none) return to_error(told, rank_);
    if (frame.kind != tcp_frame::data) return wrong("sent something that is no frame");
    if (!is_receiving()) return {};
    if (frame.step != step_) return wrong("sent a message of step ", frame.step);
    if (frame.number != frames_read_)
      return wrong("sent message ", frame.number, " instead of ", frames_read_);
    if (frame.bytes != expected_bytes) {
      return wrong("sent a message of ", frame.bytes, " bytes instead of ", expected_bytes);
    }
    return {};
  }

  /// The message is complete: compares the checksum and turns to the next one.
  error finish(std::span<const std::byte> payload, traffic& counters) {
    const tcp_frame frame = decode_frame(header_in_);
    if (sum_.finish(payload.subspan(hashed_), frame.seed()) != frame.sum) {
      return wrong("sent a message whose checksum is wrong");
    }
    ++frames_read_;
    ++counters.messages_received;
    counters.bytes_received += payload.size();
    next_receive_ = next_for(peer_, receives_, next_receive_ + 1);
    header_read_ = payload_read_ = hashed_ = 0;
    sum_ = {};
    return {};
  }

  template <class... Parts>
  error wrong(const Parts&... parts) const {
    return error_at(errc::protocol, peer_, step_, "rank ", peer_, " ", parts..., "; rank ", rank_, " is ",
                    place_of(step_).view());
  }

  error gone() const {
    return error_at(errc::disconnected, peer_, step_, "rank ", peer_, " closed its connection ",
                    place_of(step_).view(), " with messages due (", words_of(gone_reason_).view(), ")");
  }

  /// Writing failed: the peer may have said why before it went.
  error broken(const error_code& reason, traffic& counters) {
    if (error told = read(counters)) return told;
    is_gone_ = true;
    gone_reason_ = reason;
    return gone();
  }

  tcp::socket socket_;
  std::size_t rank_ = 0;
  std::size_t peer_ = 0;

  std::size_t step_ = error::nowhere;
  std::span<const outgoing> sends_;
  std::span<const incoming> receives_;
  std::size_t next_send_ = 0;  // index of the message under way; the size of the list when there is none
  std::size_t next_receive_ = 0;

  tcp_frame::header header_out_{};
  std::size_t written_ = 0;  // of header and payload
  std::uint64_t frames_written_ = 0;
  bool is_told_ = false;

  tcp_frame::header header_in_{};
  std::size_t header_read_ = 0;
  std::size_t payload_read_ = 0;
  std::size_t hashed_ = 0;  // of the payload
  checksum sum_;
  std::uint64_t frames_read_ = 0;
  bool is_gone_ = false;
  error_code gone_reason_;
};

}  // namespace iop::comm
