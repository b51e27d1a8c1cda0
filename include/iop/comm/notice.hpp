// SPDX-License-Identifier: MIT
#pragma once

// What a rank tells the others when it gives up, and the sentence that they make of it. One rank sees the
// fault, all report the same culprit.

#include <iop/core/result.hpp>
#include <iop/core/text.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace iop::comm {

struct notice {
  errc code = errc::none;
  std::size_t reporter = error::nowhere;  ///< the rank that gave up
  std::size_t culprit = error::nowhere;   ///< the rank at fault, as far as the reporter can tell
  std::size_t step = error::nowhere;      ///< the reporter's step; nowhere: while connecting
  friend constexpr bool operator==(const notice&, const notice&) = default;
};

/// "in step 3", or "while connecting".
constexpr text<40> place_of(std::size_t step) {
  return step == error::nowhere ? text<40>("while connecting") : sentence<40>("in step ", step);
}

/// An error that happened to one rank in one step.
template <class... Parts>
constexpr error error_at(errc code, std::size_t rank, std::size_t step, const Parts&... parts) {
  error reason = make_error(code, parts...);
  reason.rank = rank;
  reason.step = step;
  return reason;
}

/// The error of a peer that did not get its part done in time.
constexpr error late(std::size_t peer, std::size_t step, std::chrono::milliseconds limit) {
  return error_at(errc::time_out, peer, step, "rank ", peer, " did not answer ", place_of(step).view(),
                  " within ", static_cast<std::uint64_t>(limit.count()), " ms");
}

/// A notice as an error of the rank that got it.
constexpr error to_error(const notice& told, std::size_t this_rank) {
  const std::string_view deed = told.code == errc::time_out       ? " did not answer in time"
                                : told.code == errc::disconnected ? " closed its connection"
                                : told.code == errc::protocol     ? " sent what was not expected"
                                : told.code == errc::bad_argument ? " was called with wrong arguments"
                                                                  : " failed";
  const text<40> place = place_of(told.step);
  if (told.culprit == error::nowhere) {
    return error_at(told.code, told.reporter, told.step, "rank ", told.reporter, " gave up ", place.view());
  }
  return error_at(told.code, told.culprit, told.step, "rank ", told.reporter, " gave up ", place.view(),
                  ": rank ", told.culprit, told.culprit == this_rank ? " (this one)" : "", deed);
}

/// The first message for `peer` at or after index `from`; the size of the list if there is none.
template <class Message>
constexpr std::size_t next_for(std::size_t peer, std::span<const Message> list, std::size_t from) {
  while (from < list.size() && list[from].peer != peer) ++from;
  return from;
}

/// The error of a list that names a rank which is not a peer, or none.
template <class Message>
constexpr error check_peers(std::span<const Message> list, std::size_t rank, std::size_t ranks,
                            std::size_t step) {
  for (const Message& message : list) {
    if (message.peer < ranks && message.peer != rank) continue;
    return error_at(errc::bad_argument, rank, step, "rank ", rank, " of ", ranks,
                    " cannot exchange with rank ", message.peer, " ", place_of(step).view());
  }
  return {};
}

}  // namespace iop::comm
