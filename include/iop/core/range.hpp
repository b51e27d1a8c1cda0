// SPDX-License-Identifier: MIT
#pragma once

// A half-open range [begin, end) of rows, channels or steps. Empty ranges are normal values: a device that
// takes no part in an operator owns an empty shard.

#include <cstddef>

namespace iop {

struct range {
  std::size_t begin = 0;
  std::size_t end = 0;

  constexpr std::size_t size() const { return end > begin ? end - begin : 0; }
  constexpr bool empty() const { return end <= begin; }
  /// An empty range is contained in every range.
  constexpr bool contains(range inner) const {
    return inner.end <= inner.begin || (begin <= inner.begin && inner.end <= end);
  }
  friend constexpr bool operator==(const range&, const range&) = default;
};

/// The common part of two ranges; an empty one is always [0, 0), so that empty ranges compare equal.
constexpr range intersect(range a, range b) {
  const std::size_t begin = a.begin > b.begin ? a.begin : b.begin, end = a.end < b.end ? a.end : b.end;
  return begin < end ? range{begin, end} : range{};
}

/// The smallest range around both.
constexpr range hull(range a, range b) {
  if (a.end <= a.begin) return b;
  if (b.end <= b.begin) return a;
  return {a.begin < b.begin ? a.begin : b.begin, a.end > b.end ? a.end : b.end};
}

}  // namespace iop
