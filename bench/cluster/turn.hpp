// SPDX-License-Identifier: MIT
#pragma once

// Devices of one machine rehearse one after another: cores that share caches, memory and execution units are
// slower together than alone, and then a device's speed would depend on how many devices there are. Who has
// its turn is on the last core, away from what the kernel does for the messages of others, timers above all.

#include <fcntl.h>
#include <sched.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <string>
#include <system_error>

namespace iop_cluster {

class turn {
 public:
  /// Waits until nobody else has the turn of this file.
  explicit turn(const std::string& path) : file_(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600)) {
    while (file_ >= 0 && ::flock(file_, LOCK_EX) != 0 && errno == EINTR) {
    }
    if (file_ < 0) throw std::system_error(errno, std::generic_category(), path);
    if (sched_getaffinity(0, sizeof all_, &all_) != 0) return;
    int last = CPU_SETSIZE - 1;
    while (!CPU_ISSET(last, &all_)) --last;
    cpu_set_t own{};
    CPU_SET(last, &own);
    sched_setaffinity(0, sizeof own, &own);
  }
  turn(const turn&) = delete;
  turn& operator=(const turn&) = delete;
  ~turn() {
    if (CPU_COUNT(&all_) > 0) sched_setaffinity(0, sizeof all_, &all_);
    ::close(file_);
  }

 private:
  int file_;
  cpu_set_t all_{};
};

}  // namespace iop_cluster
