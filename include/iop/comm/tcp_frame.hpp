// SPDX-License-Identifier: MIT
#pragma once

// What goes over a connection once two ranks are connected: frames. A frame is a header of five words, then
// the payload.
//   word 0  "iop:data"; a rank's last frame is "iop:stop" when it gives up, and "iop:left" when its work is
//           done: ending without a word is dying
//   word 1  step          (stop: the step in which it gave up)
//   word 2  how many frames went this way before (stop: the rank at fault)
//   word 3  payload bytes (stop: the errc; no payload)
//   word 4  checksum of the payload, seeded with words 0 to 3

#include <iop/comm/checksum.hpp>
#include <iop/comm/notice.hpp>
#include <iop/comm/wire.hpp>

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <span>

namespace iop::comm {

static_assert(std::endian::native == std::endian::little,
              "payloads travel as they lie in memory: all ranks must be little-endian");

struct tcp_frame {
  static constexpr std::size_t header_bytes = 40;
  static constexpr std::uint64_t data = word_of("iop:data");
  static constexpr std::uint64_t stop = word_of("iop:stop");
  static constexpr std::uint64_t left = word_of("iop:left");
  using header = std::array<std::byte, header_bytes>;

  std::uint64_t kind = data;
  std::uint64_t step = 0;
  std::uint64_t number = 0;
  std::uint64_t bytes = 0;
  std::uint64_t sum = 0;

  /// What the checksum starts from, so that a changed header is noticed like a changed payload.
  constexpr std::uint64_t seed() const {
    std::uint64_t mixed = kind;
    for (const std::uint64_t word : {step, number, bytes}) mixed = std::rotl(mixed, 23) * 5 + word;
    return mixed;
  }
  constexpr header encode() const { return to_bytes(std::array{kind, step, number, bytes, sum}); }
};

constexpr tcp_frame decode_frame(const tcp_frame::header& bytes) {
  const auto words = to_words(bytes);
  return {words[0], words[1], words[2], words[3], words[4]};
}

/// The header of a message.
inline tcp_frame data_frame(std::size_t step, std::uint64_t number, std::span<const std::byte> payload) {
  tcp_frame frame{tcp_frame::data, step, number, payload.size(), 0};
  frame.sum = checksum_of(payload, frame.seed());
  return frame;
}

/// The frame by which a rank gives up. The reporter is known from the connection.
inline tcp_frame stop_frame(const notice& told) {
  tcp_frame frame{tcp_frame::stop, told.step, told.culprit, static_cast<std::uint64_t>(told.code), 0};
  frame.sum = checksum_of({}, frame.seed());
  return frame;
}

/// The frame by which a rank leaves, and whether a frame is that.
inline tcp_frame goodbye_frame() {
  tcp_frame frame{tcp_frame::left, 0, 0, 0, 0};
  frame.sum = checksum_of({}, frame.seed());
  return frame;
}
inline bool is_goodbye(const tcp_frame& frame) {
  return frame.kind == tcp_frame::left && frame.sum == checksum_of({}, frame.seed());
}

/// The notice in a stop frame that came from `reporter`; its code is errc::none if the frame is not a sound
/// stop frame.
inline notice notice_of(const tcp_frame& frame, std::size_t reporter) {
  const bool sound = frame.kind == tcp_frame::stop && frame.sum == checksum_of({}, frame.seed()) &&
                     frame.bytes <= static_cast<std::uint64_t>(errc::bad_argument);
  if (!sound) return {};
  return {static_cast<errc>(frame.bytes), reporter, static_cast<std::size_t>(frame.number),
          static_cast<std::size_t>(frame.step)};
}

}  // namespace iop::comm
