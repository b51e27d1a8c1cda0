// SPDX-License-Identifier: MIT
#pragma once

// The size of an activation, and the box of it that one device holds. Activations are stored height × width ×
// channels (HWC), float32; a box is a range of rows times a range of channels at full width, stored compactly
// as rows × width × channels-of-the-box. Cutting by channel and cutting by row are both boxes.

#include <iop/core/range.hpp>

#include <cstddef>

namespace iop {

struct shape {
  std::size_t channels = 0;
  std::size_t height = 1;
  std::size_t width = 1;

  constexpr std::size_t size() const { return channels * height * width; }
  friend constexpr bool operator==(const shape&, const shape&) = default;
};

struct box {
  range rows;
  range channels;

  constexpr bool empty() const { return rows.end <= rows.begin || channels.end <= channels.begin; }
  constexpr bool contains(const box& inner) const {
    return inner.empty() || (rows.contains(inner.rows) && channels.contains(inner.channels));
  }
  friend constexpr bool operator==(const box&, const box&) = default;
};

constexpr box intersect(const box& a, const box& b) {
  const box common{intersect(a.rows, b.rows), intersect(a.channels, b.channels)};
  return common.empty() ? box{} : common;
}

/// The smallest box around both.
constexpr box hull(const box& a, const box& b) {
  if (a.empty()) return b;
  if (b.empty()) return a;
  return {hull(a.rows, b.rows), hull(a.channels, b.channels)};
}

/// The box that is the whole activation.
constexpr box whole(const shape& s) { return {{0, s.height}, {0, s.channels}}; }

/// Number of floats in a box of an activation that is `width` wide.
constexpr std::size_t element_count(const box& b, std::size_t width) {
  return b.rows.size() * width * b.channels.size();
}

/// True when `inner` occupies one unbroken stretch of the compact buffer of `outer` (which contains it).
constexpr bool is_contiguous(const box& inner, const box& outer, std::size_t width) {
  return inner.channels == outer.channels || (inner.rows.size() == 1 && width == 1);
}

/// Where `inner` starts in the compact buffer of `outer`, in floats.
constexpr std::size_t offset_of(const box& inner, const box& outer, std::size_t width) {
  return (inner.rows.begin - outer.rows.begin) * width * outer.channels.size() +
         (inner.channels.begin - outer.channels.begin);
}

}  // namespace iop
