// SPDX-License-Identifier: MIT
#pragma once

// A vector with its storage inside: usable in constant expressions, as a constexpr result, and on devices
// without heap. Going past the capacity is a compile error in a constant expression and stops the program
// elsewhere.

#include <cstddef>
#include <cstdlib>

namespace iop {

template <class T, std::size_t Capacity>
struct fixed_vector {
  T items[Capacity > 0 ? Capacity : 1]{};
  std::size_t count = 0;

  static constexpr std::size_t capacity() { return Capacity; }
  constexpr std::size_t size() const { return count; }
  constexpr bool empty() const { return count == 0; }

  constexpr T* begin() { return items; }
  constexpr T* end() { return items + count; }
  constexpr const T* begin() const { return items; }
  constexpr const T* end() const { return items + count; }
  constexpr T* data() { return items; }
  constexpr const T* data() const { return items; }
  constexpr T& operator[](std::size_t i) { return items[i]; }
  constexpr const T& operator[](std::size_t i) const { return items[i]; }
  constexpr T& back() { return items[count - 1]; }
  constexpr const T& back() const { return items[count - 1]; }

  constexpr T& push_back(const T& item) {
    if (count == Capacity) std::abort();
    return items[count++] = item;
  }
  constexpr void pop_back() { --count; }
  constexpr void clear() { count = 0; }

  friend constexpr bool operator==(const fixed_vector& a, const fixed_vector& b) {
    if (a.count != b.count) return false;
    for (std::size_t i = 0; i < a.count; ++i)
      if (!(a.items[i] == b.items[i])) return false;
    return true;
  }
};

}  // namespace iop
