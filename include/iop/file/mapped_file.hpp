// SPDX-License-Identifier: MIT
#pragma once

// A file's bytes as read-only memory (POSIX mmap): opening costs nothing, pages are read when touched, and
// the kernel may drop them again. The bytes keep their address when the object is moved. A file that somebody
// truncates while it is mapped takes the program down (SIGBUS), as with every mapping: replace weight files
// by renaming.

#include <iop/core/result.hpp>
#include <iop/file/names.hpp>

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

namespace iop::file {

class mapped_file {
 public:
  mapped_file() = default;
  mapped_file(mapped_file&& other) noexcept
      : data_(std::exchange(other.data_, nullptr)), size_(std::exchange(other.size_, 0)) {}
  mapped_file& operator=(mapped_file&& other) noexcept {
    std::swap(data_, other.data_);
    std::swap(size_, other.size_);
    return *this;
  }
  ~mapped_file() {
    if (data_ != nullptr) ::munmap(data_, size_);
  }

  /// Maps the whole file. An empty file gives no bytes; errors: missing, not readable, a directory or device.
  static result<mapped_file> open(const std::string& path);

  std::span<const std::byte> bytes() const { return {static_cast<const std::byte*>(data_), size_}; }

  /// Takes the pages of `part` out of this process's memory, also those it shares with its neighbours. They
  /// are mapped again when touched. Bytes of elsewhere are left alone.
  void release(std::span<const std::byte> part) const;

 private:
  mapped_file(void* data, std::size_t size) : data_(data), size_(size) {}

  void* data_ = nullptr;  // as mmap returned it; null when there is nothing to unmap
  std::size_t size_ = 0;
};

namespace detail {

/// A file descriptor that is closed in any case.
struct descriptor {
  int number;
  explicit descriptor(int opened) : number(opened) {}
  descriptor(const descriptor&) = delete;
  descriptor& operator=(const descriptor&) = delete;
  ~descriptor() {
    if (number >= 0) ::close(number);
  }
};

/// "cannot <do> '<path>': <what errno says>".
inline error refused(std::string_view action, const std::string& path) {
  const std::string why = std::generic_category().message(errno);
  return make_error(errc::bad_file, "cannot ", action, " '", shown(path).view(), "': ", why);
}

}  // namespace detail

inline result<mapped_file> mapped_file::open(const std::string& path) {
  // Non-blocking, because opening a named pipe would otherwise wait for a writer.
  const detail::descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (file.number < 0) return detail::refused("open", path);

  struct stat status {};
  if (::fstat(file.number, &status) != 0) return detail::refused("inspect", path);
  if (S_ISDIR(status.st_mode))
    return make_error(errc::bad_file, "'", shown(path).view(), "' is a directory, a file is needed");
  if (!S_ISREG(status.st_mode))
    return make_error(errc::bad_file, "'", shown(path).view(), "' is not a regular file");
  if (status.st_size == 0) return mapped_file{};
  if (static_cast<std::uintmax_t>(status.st_size) > SIZE_MAX)
    return make_error(errc::bad_file, "'", shown(path).view(), "' is too large to map");

  const auto size = static_cast<std::size_t>(status.st_size);
  void* const data = ::mmap(nullptr, size, PROT_READ, MAP_PRIVATE, file.number, 0);
  if (data == MAP_FAILED) return detail::refused("map", path);
  return mapped_file(data, size);
}

inline void mapped_file::release(std::span<const std::byte> part) const {
  const auto first = reinterpret_cast<std::uintptr_t>(data_);
  const auto begin = reinterpret_cast<std::uintptr_t>(part.data()), end = begin + part.size();
  if (part.empty() || begin < first || end > first + size_) return;
  const auto page = static_cast<std::uintptr_t>(::sysconf(_SC_PAGESIZE));
  const std::uintptr_t before = begin % page;  // a mapping begins on a page
  // A hint: where it is refused, the bytes stay where they are.
  static_cast<void>(
      ::madvise(const_cast<std::byte*>(part.data()) - before, part.size() + before, MADV_DONTNEED));
}

}  // namespace iop::file
