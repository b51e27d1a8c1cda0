// SPDX-License-Identifier: MIT
#pragma once

// Tables as columns of plain values. In a constant they are arrays with room for `Most` rows, which compilers
// index fastest; what is not used costs them nothing. At run time they grow.

#include <cstddef>
#include <cstdlib>

namespace iop::planner {

inline constexpr std::size_t unbounded = 0;

/// As much of a std::vector as columns need: those of the compilers' libraries lack some of it in constants.
template <class T>
class growing_column {
 public:
  constexpr growing_column() = default;
  constexpr growing_column(const growing_column& other) { copy(other.items_, other.rows_, other.rows_); }
  constexpr growing_column(growing_column&& other) noexcept { swap(other); }
  constexpr growing_column& operator=(growing_column other) noexcept {
    swap(other);
    return *this;
  }
  constexpr ~growing_column() { delete[] items_; }

  constexpr T& operator[](std::size_t n) { return items_[n]; }
  constexpr const T& operator[](std::size_t n) const { return items_[n]; }
  constexpr std::size_t size() const { return rows_; }
  /// At least so many rows; new ones are zero.
  constexpr void resize(std::size_t rows) {
    if (rows > room_) {
      growing_column larger;
      larger.copy(items_, rows_, rows > 2 * room_ ? rows : 2 * room_);
      swap(larger);
    }
    rows_ = rows;
  }

 private:
  constexpr void copy(const T* items, std::size_t rows, std::size_t room) {
    if (room == 0) return;
    items_ = new T[room]{};
    for (std::size_t n = 0; n < rows; ++n) items_[n] = items[n];
    rows_ = rows;
    room_ = room;
  }
  constexpr void swap(growing_column& other) noexcept {
    T* const items = items_;
    const std::size_t rows = rows_, room = room_;
    items_ = other.items_, rows_ = other.rows_, room_ = other.room_;
    other.items_ = items, other.rows_ = rows, other.room_ = room;
  }

  T* items_ = nullptr;
  std::size_t rows_ = 0, room_ = 0;
};

template <class T, std::size_t Most>
struct column_of {
  using type = T[Most];
};
template <class T>
struct column_of<T, unbounded> {
  using type = growing_column<T>;
};
template <class T, std::size_t Most>
using column = typename column_of<T, Most>::type;

/// Makes room for `rows` rows. Where it is called often, only of columns that grow: an index outside of an
/// array is an error in a constant anyway.
template <class T, std::size_t Most>
constexpr void grow(T (&)[Most], std::size_t rows) {
  if (rows > Most) std::abort();
}
template <class T>
constexpr void grow(growing_column<T>& items, std::size_t rows) {
  if (rows > items.size()) items.resize(rows);
}

/// In each of some columns.
template <class... Columns>
constexpr void grow_all(std::size_t rows, Columns&... columns) {
  (grow(columns, rows), ...);
}

/// Rows that there is room for.
template <class T, std::size_t Most>
constexpr std::size_t room_in(const T (&)[Most]) {
  return Most;
}
template <class T>
constexpr std::size_t room_in(const growing_column<T>&) {
  return static_cast<std::size_t>(-1);
}

/// Something of each input of an operator; g++ moves arrays of what is not plain wrongly in constants.
template <class T>
struct per_input {
  T first{}, second{}, third{}, fourth{};
  constexpr T& operator[](std::size_t k) {
    return k == 0 ? first : k == 1 ? second : k == 2 ? third : fourth;
  }
  constexpr const T& operator[](std::size_t k) const {
    return k == 0 ? first : k == 1 ? second : k == 2 ? third : fourth;
  }
};

}  // namespace iop::planner
