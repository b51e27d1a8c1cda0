// SPDX-License-Identifier: MIT
#pragma once

// A half-open range [begin, end) of rows, channels or steps. Empty ranges are normal values: a device that
// takes no part in an operator owns an empty shard.

#include <algorithm>
#include <cstddef>

namespace iop {

struct range {
  std::size_t begin = 0;
  std::size_t end = 0;

  constexpr std::size_t size() const { return end > begin ? end - begin : 0; }
  constexpr bool empty() const { return end <= begin; }
  /// An empty range is contained in every range.
  constexpr bool contains(range inner) const {
    return inner.empty() || (begin <= inner.begin && inner.end <= end);
  }
  friend constexpr bool operator==(const range&, const range&) = default;
};

/// The common part of two ranges; an empty one is always [0, 0), so that empty ranges compare equal.
constexpr range intersect(range a, range b) {
  const range common{std::max(a.begin, b.begin), std::min(a.end, b.end)};
  return common.empty() ? range{} : common;
}

/// The smallest range around both.
constexpr range hull(range a, range b) {
  if (a.empty()) return b;
  if (b.empty()) return a;
  return {std::min(a.begin, b.begin), std::max(a.end, b.end)};
}

}  // namespace iop
