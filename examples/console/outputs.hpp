// SPDX-License-Identifier: MIT
#pragma once

// Files that options ask a program to write. Whether they can be written is known before the work, no two
// options name the same file, and what was there stays until all of the new is: it is written beside, under
// a name that nothing has, and renamed. "-" is stdout, an empty path an option that was not given.

#include "usage.hpp"

#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include <sys/stat.h>
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

/// By whichever name, as /dev/stdout or the file that the shell sends it to. Of devices only a terminal: two
/// outputs may well go to /dev/null.
inline bool is_stdout(const std::string& path) {
  if (path == "-") return true;
  struct stat named = {}, open = {};
  if (::stat(path.c_str(), &named) != 0 || ::fstat(STDOUT_FILENO, &open) != 0) return false;
  return named.st_dev == open.st_dev && named.st_ino == open.st_ino &&
         (!S_ISCHR(open.st_mode) || ::isatty(STDOUT_FILENO) != 0);
}

/// The file that is written when the path is: links are followed, also those to what is yet to be made.
inline fs::path target_of(const std::string& path) {
  constexpr int most_links = 40;  // as the kernel has it; more are a loop, which cannot be opened
  std::error_code problem;
  fs::path followed = path;
  for (int links = 0; links < most_links && fs::is_symlink(fs::symlink_status(followed, problem)); ++links)
    followed = followed.parent_path() / fs::read_symlink(followed, problem);
  const fs::path whole = fs::weakly_canonical(fs::absolute(followed, problem), problem);
  return whole.empty() ? followed : whole;  // in a folder that was deleted nothing is absolute
}

inline bool collide(const std::string& a, const std::string& b) {
  const bool one = is_stdout(a), other = is_stdout(b);
  return one || other ? one && other : target_of(a) == target_of(b);
}

/// What is no file, as a pipe or /dev/null, is written itself.
inline bool is_special(const fs::file_status& found) {
  return fs::exists(found) && !fs::is_regular_file(found) && !fs::is_directory(found);
}

[[noreturn]] inline void cannot_write(const std::string& path, int reason) {
  throw std::runtime_error(
      fmt::format("cannot write {}: {}", in_quotes(path), std::generic_category().message(reason)));
}

/// Opens a new file in the target's folder and says its name; null and errno if that cannot be.
inline std::FILE* open_beside(const fs::path& target, fs::path& name) {
  constexpr int most_names = 1000;
  std::FILE* made = nullptr;
  for (int n = 0; n < most_names && made == nullptr && (n == 0 || errno == EEXIST); ++n) {
    name = target.parent_path() / fmt::format(".part-{}-{}", ::getpid(), n);
    made = std::fopen(name.c_str(), "wbx");  // x: never a file or a link that is there
  }
  return made;
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
  namespace fs = std::filesystem;
  if (path.empty() || detail::is_stdout(path)) return;
  std::error_code problem;
  const fs::file_status found = fs::status(path, problem);
  if (!fs::status_known(found)) detail::cannot_write(path, problem.value());
  if (fs::is_directory(found)) detail::cannot_write(path, EISDIR);
  if (fs::exists(found) && ::access(path.c_str(), W_OK) != 0) detail::cannot_write(path, errno);
  if (detail::is_special(found)) return;
  fs::path tried;
  std::FILE* const file = detail::open_beside(detail::target_of(path), tried);
  if (file == nullptr) detail::cannot_write(path, errno);
  std::fclose(file);
  fs::remove(tried, problem);
}

inline void write_output(const std::string& path, const std::string& content) {
  namespace fs = std::filesystem;
  if (path.empty()) return;
  if (detail::is_stdout(path)) return fmt::print("{}", content);
  std::error_code no_matter;
  const fs::file_status found = fs::status(path, no_matter);
  const bool is_special = detail::is_special(found);
  const fs::path target = detail::target_of(path);
  fs::path part;

  std::FILE* file = is_special ? std::fopen(path.c_str(), "wb") : detail::open_beside(target, part);
  if (file == nullptr) detail::cannot_write(path, errno);
  int problem = std::fwrite(content.data(), 1, content.size(), file) == content.size() ? 0 : errno;
  if (std::fclose(file) != 0 && problem == 0) problem = errno;
  if (problem == 0 && !is_special) {
    if (fs::exists(found)) fs::permissions(part, found.permissions(), no_matter);
    if (std::rename(part.c_str(), target.c_str()) != 0) problem = errno;
  }
  if (problem == 0) return;
  if (!is_special) fs::remove(part, no_matter);
  detail::cannot_write(path, problem);
}

/// Where tables for people go: stdout belongs to the output that is asked for there.
inline std::FILE* table_beside(const std::vector<named_path>& outputs) {
  for (const named_path& each : outputs)
    if (!each.path.empty() && detail::is_stdout(each.path)) return stderr;
  return stdout;
}

}  // namespace console
