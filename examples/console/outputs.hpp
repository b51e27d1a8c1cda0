// SPDX-License-Identifier: MIT
#pragma once

// Files that options ask a program to write. Whether they can be written is known before the work, no two
// options name the same file, and what was there stays until all of the new is: it is written beside, with
// .part behind the name, and renamed. "-" is stdout, an empty path an option that was not given.

#include "usage.hpp"

#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <stdexcept>
#include <string>
#include <system_error>
#include <vector>

namespace console {

/// An option and the path that it was given.
struct named_path {
  std::string option{};
  std::string path{};
};

namespace detail {

namespace fs = std::filesystem;

/// With links followed, and for what is yet to be made.
inline fs::path full(const std::string& path) {
  std::error_code problem;
  const fs::path found = fs::weakly_canonical(fs::absolute(path), problem);
  return problem ? fs::absolute(path) : found;
}

inline fs::path part_of(fs::path path) { return path += ".part"; }

inline bool collide(const std::string& a, const std::string& b) {
  if (a == "-" || b == "-") return a == b;
  const fs::path one = full(a), other = full(b);
  return one == other || one == part_of(other) || part_of(one) == other;
}

/// What is no file, as a pipe or /dev/null, is written itself.
inline bool is_special(const fs::file_status& found) {
  return fs::exists(found) && !fs::is_regular_file(found) && !fs::is_directory(found);
}

[[noreturn]] inline void cannot_write(const std::string& path, int reason) {
  throw std::runtime_error(
      fmt::format("cannot write {}: {}", in_quotes(path), std::generic_category().message(reason)));
}

}  // namespace detail

/// A usage error unless all paths are different files.
inline void check_different(const std::vector<named_path>& all) {
  for (auto one = all.begin(); one != all.end(); ++one)
    for (auto other = all.begin(); other != one; ++other)
      if (!one->path.empty() && !other->path.empty() && detail::collide(one->path, other->path))
        throw CLI::ValidationError(one->option, "must name another file than " + other->option);
}

/// Throws if the file could not be written now.
inline void check_output(const std::string& path) {
  if (path.empty() || path == "-") return;
  const auto found = std::filesystem::status(path);
  if (std::filesystem::is_directory(found)) detail::cannot_write(path, EISDIR);
  const auto allows = [&](const std::filesystem::path& place) {
    if (::access(place.c_str(), W_OK) != 0) detail::cannot_write(path, errno);
  };
  if (std::filesystem::exists(found)) allows(path);
  if (!detail::is_special(found)) allows(detail::full(path).parent_path() / ".");  // ENOTDIR if it is a file
}

inline void write_output(const std::string& path, const std::string& content) {
  namespace fs = std::filesystem;
  if (path.empty()) return;
  if (path == "-") return fmt::print("{}", content);
  const fs::file_status found = fs::status(path);
  const bool is_special = detail::is_special(found);
  const fs::path target = is_special ? fs::path(path) : detail::full(path);
  const fs::path written = is_special ? target : detail::part_of(target);

  std::FILE* file = std::fopen(written.c_str(), "wb");
  if (file == nullptr) detail::cannot_write(path, errno);
  int problem = std::fwrite(content.data(), 1, content.size(), file) == content.size() ? 0 : errno;
  if (std::fclose(file) != 0 && problem == 0) problem = errno;
  std::error_code no_matter;
  if (problem == 0 && !is_special) {
    if (fs::exists(found)) fs::permissions(written, found.permissions(), no_matter);
    if (std::rename(written.c_str(), target.c_str()) != 0) problem = errno;
  }
  if (problem == 0) return;
  if (!is_special) fs::remove(written, no_matter);
  detail::cannot_write(path, problem);
}

/// Where tables for people go: stdout belongs to the output that is asked for there.
inline std::FILE* table_beside(const std::vector<named_path>& outputs) {
  for (const named_path& each : outputs)
    if (each.path == "-") return stderr;
  return stdout;
}

}  // namespace console
