// SPDX-License-Identifier: MIT
#pragma once

// How two ranks greet. The one that called says hello, the other answers with its own hello, the caller
// confirms with one word; only then does either count on the other. Both judge what they got, so both know
// the reason when they do not fit. A hello is nine words:
//   "iop:mesh", protocol version, rank, called rank, ranks, network digest, plan digest, weights digest, 1 if
//   the rank was taken already

#include <iop/comm/notice.hpp>
#include <iop/comm/transport.hpp>
#include <iop/comm/wire.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace iop::comm {

struct tcp_hello {
  static constexpr std::size_t bytes = 72;
  static constexpr std::uint64_t magic = word_of("iop:mesh");
  static constexpr std::uint64_t protocol_version = 2;
  /// What the caller says last.
  static constexpr std::uint64_t confirmation = word_of("iop:join");
  /// What a stranger gets to read.
  static constexpr std::string_view refusal =
      "iop: refused. This port is for the devices of one iop deployment, mesh protocol version 2.\r\n";

  std::uint64_t start = magic;
  std::uint64_t version = protocol_version;
  std::size_t rank = 0;
  std::size_t called = 0;  ///< the rank that the caller believes to have called
  identity what{};
  bool taken = false;  ///< in an answer: another process has this rank already

  /// False for anything that is not an iop rank of this protocol version.
  constexpr bool is_ours() const { return start == magic && version == protocol_version; }

  constexpr std::array<std::byte, bytes> encode() const {
    return to_bytes(std::array<std::uint64_t, 9>{start, version, rank, called, what.ranks,
                                                 what.network_digest, what.plan_digest, what.weights_digest,
                                                 taken ? 1u : 0u});
  }
};

constexpr tcp_hello decode_hello(const std::array<std::byte, tcp_hello::bytes>& bytes) {
  const auto words = to_words(bytes);
  tcp_hello hello;
  hello.start = words[0];
  hello.version = words[1];
  hello.rank = static_cast<std::size_t>(words[2]);
  hello.called = static_cast<std::size_t>(words[3]);
  hello.what = {words[5], words[6], static_cast<std::size_t>(words[4]), words[7]};
  hello.taken = words[8] != 0;
  return hello;
}

/// How many bytes to read on: none once it is clear that this is no hello, so that a stranger is refused at
/// once.
constexpr std::size_t hello_bytes_missing(const std::array<std::byte, tcp_hello::bytes>& start,
                                          std::size_t count) {
  const auto expected = to_bytes(std::array{tcp_hello::magic, tcp_hello::protocol_version});
  const std::size_t known = std::min(count, expected.size());
  return std::equal(start.begin(), start.begin() + known, expected.begin()) ? tcp_hello::bytes - count : 0;
}

/// Whether rank `mine.rank` can work with a peer. `calling`: this rank has called `mine.called` and got
/// `theirs` as the answer; else the peer has called. `address` is where the peer is, for the sentence.
constexpr error judge(const tcp_hello& mine, const tcp_hello& theirs, bool calling,
                      std::string_view address) {
  const auto differ = [&](const auto&... parts) {
    return error_at(errc::protocol, theirs.rank, error::nowhere, parts...);
  };
  const auto digests = [&](std::string_view has, std::uint64_t a, std::uint64_t b, std::string_view advice) {
    return differ("rank ", theirs.rank, " at ", address, " ", has, " 0x", text<16>().append_hex(a).view(),
                  ", this rank ", mine.rank, " ", has, " 0x", text<16>().append_hex(b).view(), ": ", advice);
  };
  constexpr std::string_view rebuild = "build both from the same deployment";
  if (theirs.what.ranks != mine.what.ranks) {
    return differ("rank ", theirs.rank, " at ", address, " is one of ", theirs.what.ranks,
                  " ranks, this rank ", mine.rank, " is one of ", mine.what.ranks, ": ", rebuild);
  }
  if (theirs.what.network_digest != mine.what.network_digest) {
    return digests("runs network", theirs.what.network_digest, mine.what.network_digest, rebuild);
  }
  if (theirs.what.plan_digest != mine.what.plan_digest) {
    return digests("runs plan", theirs.what.plan_digest, mine.what.plan_digest, rebuild);
  }
  if (theirs.what.weights_digest != mine.what.weights_digest) {
    return digests("has weights", theirs.what.weights_digest, mine.what.weights_digest,
                   "give both the same weights");
  }
  if (calling && theirs.rank != mine.called) {
    return differ("rank ", theirs.rank, " answers at ", address, ", where this rank ", mine.rank,
                  " was told to find rank ", mine.called, ": give all ranks the same endpoints");
  }
  if (calling && theirs.taken) {
    return error_at(errc::protocol, mine.rank, error::nowhere, "two processes say that they are rank ",
                    mine.rank, ": rank ", theirs.rank, " at ", address, " knows another one already");
  }
  if (!calling && theirs.rank == mine.rank) {
    return differ("two processes say that they are rank ", mine.rank, ": this one and one at ", address);
  }
  if (!calling && theirs.called != mine.rank) {
    return differ("rank ", theirs.rank, " at ", address, " called this rank ", mine.rank, " as rank ",
                  theirs.called, ": give all ranks the same endpoints");
  }
  if (!calling && (theirs.rank < mine.rank || theirs.rank >= mine.what.ranks)) {
    return differ("rank ", theirs.rank, " at ", address, " called this rank ", mine.rank,
                  ", but calls go from higher to lower ranks of ", mine.what.ranks);
  }
  return {};
}

}  // namespace iop::comm
