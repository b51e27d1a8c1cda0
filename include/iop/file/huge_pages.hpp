// SPDX-License-Identifier: MIT
#pragma once

// An object in memory that the kernel is asked to back by huge pages (Linux, where transparent ones are set
// to "madvise" or "always"). An inference reads all weights from end to end, and every 4 KiB page costs a
// translation and stops the core from reading ahead: with executors there, AlexNet and VGG16 were 5 to 7 %
// faster. Only whole huge pages are asked for, so that nothing is wasted; elsewhere it is ordinary memory.
//
//   auto me = iop::file::make_on_huge_pages<iop::executor<porch, 1>>(weights, mesh);

#include <sys/mman.h>

#include <algorithm>
#include <cstddef>
#include <memory>
#include <new>
#include <span>
#include <utility>

namespace iop::file {

inline constexpr std::size_t huge_page_bytes = std::size_t{2} << 20;

/// Asks for the whole huge pages of such an aligned stretch of memory. A hint.
inline void ask_for_huge_pages([[maybe_unused]] void* memory, std::size_t bytes) {
  [[maybe_unused]] const std::size_t whole = bytes / huge_page_bytes * huge_page_bytes;
#ifdef MADV_HUGEPAGE
  if (whole > 0) static_cast<void>(::madvise(memory, whole, MADV_HUGEPAGE));
#endif
}

namespace detail {

template <class T>
inline constexpr std::align_val_t huge_alignment{std::max(alignof(T), huge_page_bytes)};

struct memory_release {
  std::align_val_t alignment;
  void operator()(void* memory) const { ::operator delete(memory, alignment); }
};
using raw_memory = std::unique_ptr<void, memory_release>;

inline raw_memory allocate_on_huge_pages(std::size_t bytes, std::align_val_t alignment) {
  raw_memory memory(::operator new(bytes, alignment), {alignment});
  ask_for_huge_pages(memory.get(), bytes);
  return memory;
}

}  // namespace detail

template <class T>
struct huge_page_delete {
  void operator()(T* object) const {
    object->~T();
    ::operator delete(object, detail::huge_alignment<T>);
  }
};

template <class T>
using huge_page_ptr = std::unique_ptr<T, huge_page_delete<T>>;

/// As std::make_unique.
template <class T, class... Arguments>
huge_page_ptr<T> make_on_huge_pages(Arguments&&... arguments) {
  constexpr std::align_val_t alignment = detail::huge_alignment<T>;
  auto memory = detail::allocate_on_huge_pages(sizeof(T), alignment);
  huge_page_ptr<T> made(::new (memory.get()) T(std::forward<Arguments>(arguments)...));
  static_cast<void>(memory.release());
  return made;
}

/// So many floats, not touched yet: weights or an arena whose size is known at run time.
class huge_page_floats {
 public:
  explicit huge_page_floats(std::size_t count)
      : memory_(detail::allocate_on_huge_pages(count * sizeof(float), detail::huge_alignment<float>)),
        count_(count) {}

  std::span<float> all() const { return {static_cast<float*>(memory_.get()), count_}; }

 private:
  detail::raw_memory memory_;
  std::size_t count_;
};

}  // namespace iop::file
