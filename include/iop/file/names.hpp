// SPDX-License-Identifier: MIT
#pragma once

// How the sentences of this folder show what a file says: names and paths come from outside, so they may be
// endless or hold control characters, and a sentence must stay readable and keep room for the rest of what it
// has to tell.

#include <iop/core/text.hpp>

#include <algorithm>
#include <cstddef>
#include <numeric>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace iop::file {

/// Bytes of the control character that the text starts with, 0 if it starts with another one: those of ASCII,
/// and of Unicode those that move the cursor, end a line or turn the direction of writing (in UTF-8).
inline std::size_t control_length(std::string_view words) {
  const auto byte = [&](std::size_t i) {
    return i < words.size() ? static_cast<unsigned char>(words[i]) : 0u;
  };
  const auto within = [](unsigned value, unsigned least, unsigned most) {
    return value >= least && value <= most;
  };
  if (words.empty()) return 0;
  if (byte(0) < 0x20 || byte(0) == 0x7f) return 1;
  if (byte(0) == 0xc2 && within(byte(1), 0x80, 0x9f)) return 2;  // U+0080 to U+009F
  if (byte(0) != 0xe2) return 0;
  const bool is_control = byte(1) == 0x80 ? within(byte(2), 0x8e, 0x8f) || within(byte(2), 0xa8, 0xae)
                                          : byte(1) == 0x81 && within(byte(2), 0xa6, 0xa9);
  return is_control ? 3 : 0;  // U+200E and F, U+2028 to U+202E, U+2066 to U+2069
}

/// With '?' for each control character.
inline std::string printable(std::string_view words) {
  std::string all;
  while (!words.empty()) {
    const std::size_t control = control_length(words);
    all += control == 0 ? words[0] : '?';
    words.remove_prefix(std::max<std::size_t>(control, 1));
  }
  return all;
}

/// A name or path for a sentence: at most 60 bytes, cut at the front where it says least; control characters
/// become '?'.
inline text<60> shown(std::string_view name) {
  constexpr std::size_t room = 60;
  constexpr std::string_view cut = "...";
  text<60> all;
  if (name.size() > room) {
    name.remove_prefix(name.size() - (room - cut.size()));
    while (!name.empty() && (static_cast<unsigned char>(name.front()) & 0xc0) == 0x80) name.remove_prefix(1);
    all.append(cut);
  }
  return all.append(printable(name));
}

/// A shape as Python prints it: [16, 6, 5, 5].
inline text<100> shown(std::span<const std::size_t> shape) {
  text<100> all("[");
  for (std::size_t i = 0; i < shape.size(); ++i) all.append(i == 0 ? "" : ", ").append(shape[i]);
  return all.append("]");
}

/// Insertions, deletions, substitutions and swaps of neighbours that turn one name into the other (optimal
/// string alignment: a swap is the commonest slip of all).
inline std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> above(b.size() + 1), row(above), next(above);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 1; i <= a.size(); ++i) {
    next[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      next[j] = std::min({row[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1), row[j] + 1, next[j - 1] + 1});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
        next[j] = std::min(next[j], above[j - 2] + 1);
    }
    above.swap(row);
    row.swap(next);
  }
  return row.back();
}

}  // namespace iop::file
