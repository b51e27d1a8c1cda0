// SPDX-License-Identifier: MIT
#pragma once

// A short string without heap: run-time errors carry one, and at compile time a sentence with numbers is
// built in one and shown by the compiler as a template argument. What does not fit is cut off.

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace iop {

/// At most `Capacity` characters, always followed by a zero. A literal can be a template argument of this
/// type.
template <std::size_t Capacity>
struct text {
  char characters[Capacity + 1]{};
  std::size_t length = 0;

  constexpr text() = default;
  constexpr text(std::string_view initial) { append(initial); }  // NOLINT: literals convert
  constexpr text(const char (&literal)[Capacity + 1]) { append(std::string_view(literal)); }  // NOLINT

  constexpr text& append(std::string_view more) {
    for (const char c : more)
      if (length < Capacity) characters[length++] = c;
    // Written out, because Clang quotes an array in a diagnostic only if its last initialised element is the
    // zero.
    characters[length] = 0;
    return *this;
  }

  constexpr text& append(std::uint64_t number) {
    char digits[20]{};
    std::size_t first = sizeof digits;
    do digits[--first] = static_cast<char>('0' + number % 10);
    while ((number /= 10) != 0);
    return append(std::string_view(digits + first, sizeof digits - first));
  }

  /// As 16 hexadecimal digits.
  constexpr text& append_hex(std::uint64_t number) {
    char digits[16]{};
    for (std::size_t i = 0; i < 16; ++i) digits[i] = "0123456789abcdef"[(number >> (60 - 4 * i)) & 15];
    return append(std::string_view(digits, 16));
  }

  constexpr std::string_view view() const { return {characters, length}; }
  constexpr const char* c_str() const { return characters; }
  constexpr bool empty() const { return length == 0; }
  friend constexpr bool operator==(const text&, const text&) = default;
};

template <std::size_t Size>
text(const char (&)[Size]) -> text<Size - 1>;

/// A sentence put together from words and whole numbers, in order.
template <std::size_t Capacity = 255, class... Parts>
constexpr text<Capacity> sentence(const Parts&... parts) {
  text<Capacity> all;
  (all.append(parts), ...);
  return all;
}

}  // namespace iop
