// SPDX-License-Identifier: MIT
#pragma once

// Saying things on streams that may be gone: a terminal that was closed, a full disk, a program that was
// started without them. What is lost of stdout is an error at the end, what is lost of stderr cannot be told.

#include <fcntl.h>

#include <cerrno>
#include <cstdio>
#include <string_view>
#include <system_error>

namespace console {

/// Puts something into the places of stdin, stdout and stderr that were closed, so that no socket gets such a
/// number and then what is meant for people. Reading gives the end there, writing fails.
inline void occupy_standard_streams() {
  for (const int number : {0, 1, 2})
    if (::fcntl(number, F_GETFD) < 0) (void)!::open("/dev/null", O_RDONLY);  // takes the lowest number
}

/// On stderr, if there is one.
inline void tell(std::string_view words) noexcept { std::fwrite(words.data(), 1, words.size(), stderr); }

/// What a program returns that would return `status`: 1 instead of 0 if stdout could not be written.
inline int finish(int status) {
  errno = 0;
  if (status != 0 || (std::fflush(stdout) == 0 && std::ferror(stdout) == 0)) return status;
  const int reason = errno;  // 0 when an earlier write failed
  tell("cannot write to stdout");
  if (reason != 0) tell(": " + std::generic_category().message(reason));
  tell("\n");
  return 1;
}

}  // namespace console
