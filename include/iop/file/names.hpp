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
#include <string_view>
#include <vector>

namespace iop::file {

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
  for (const char c : name) {
    const bool control = static_cast<unsigned char>(c) < 0x20 || c == 0x7f;
    all.append(std::string_view(control ? "?" : &c, 1));
  }
  return all;
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
