// SPDX-License-Identifier: MIT
#pragma once

// Errors as values, for a core without exceptions. An error says what kind it is, which rank and step it
// concerns, and carries a sentence for people. `result<T>` is a T or an error.

#include <iop/core/text.hpp>

#include <cstddef>
#include <cstdint>
#include <utility>

namespace iop {

enum class errc : std::uint8_t {
  none,
  time_out,      ///< a peer did not answer within the limit
  disconnected,  ///< a peer closed its connection
  protocol,      ///< a peer sent what the plan does not expect, or is not of this deployment
  system,        ///< the operating system refused something (port in use, no such address, …)
  bad_file,      ///< a file is unreadable, truncated or not of its format
  bad_tensor,    ///< a tensor is missing, or has the wrong type or shape
  bad_argument,  ///< the caller passed something of the wrong size
};

struct error {
  static constexpr std::size_t nowhere = static_cast<std::size_t>(-1);

  errc code = errc::none;
  std::size_t rank = nowhere;  ///< the rank at fault, as far as this rank can tell
  std::size_t step = nowhere;  ///< the step of the program during which it happened
  text<255> message{};

  /// True when there is an error.
  constexpr explicit operator bool() const { return code != errc::none; }
};

template <class... Parts>
constexpr error make_error(errc code, const Parts&... parts) {
  return {code, error::nowhere, error::nowhere, sentence<255>(parts...)};
}

/// A value, or the reason why there is none. T must be default-constructible; it is meant for views and small
/// structs.
template <class T>
class result {
 public:
  constexpr result(T value) : value_(std::move(value)) {}    // NOLINT: returning a value is the normal case
  constexpr result(const error& reason) : error_(reason) {}  // NOLINT

  constexpr explicit operator bool() const { return error_.code == errc::none; }
  constexpr const T& operator*() const { return value_; }
  constexpr T& operator*() { return value_; }
  constexpr const T* operator->() const { return &value_; }
  constexpr T* operator->() { return &value_; }
  constexpr const iop::error& error() const { return error_; }

 private:
  T value_{};
  iop::error error_{};
};

}  // namespace iop
