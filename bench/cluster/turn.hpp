// SPDX-License-Identifier: MIT
#pragma once

// Devices of one machine rehearse in turn: cores that share caches, memory and execution units are slower
// together than alone, and then a device's speed would depend on how many devices there are. Who has its turn
// is on a core of its own: what the kernel does for the messages of others, timers above all, would count as
// computing (100 Mbit/s: up to 1.7 times). A device that was stopped while it had its turn keeps nobody
// waiting for long, one that died for no time at all.

#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <ctime>
#include <stdexcept>
#include <string>
#include <system_error>

namespace iop_cluster {

class turn {
 public:
  /// Shared by all who name the same file. One of them makes it, before the others use it. Without a name
  /// there is nobody to wait for.
  turn(const std::string& path, bool makes) {
    if (path.empty()) return;
    split_cores();
    const int file = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (file < 0 || ::ftruncate(file, sizeof(pthread_mutex_t)) != 0)
      throw std::system_error(errno, std::generic_category(), path);
    void* place = ::mmap(nullptr, sizeof(pthread_mutex_t), PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    ::close(file);
    if (place == MAP_FAILED) throw std::system_error(errno, std::generic_category(), path);
    mutex_ = static_cast<pthread_mutex_t*>(place);
    if (!makes) return;
    pthread_mutexattr_t kind;
    pthread_mutexattr_init(&kind);
    pthread_mutexattr_setpshared(&kind, PTHREAD_PROCESS_SHARED);
    pthread_mutexattr_setrobust(&kind, PTHREAD_MUTEX_ROBUST);
    pthread_mutex_init(mutex_, &kind);
    pthread_mutexattr_destroy(&kind);
  }
  turn(const turn&) = delete;
  turn& operator=(const turn&) = delete;
  ~turn() {
    end();
    if (has_own_core_) sched_setaffinity(0, sizeof all_, &all_);
    if (mutex_ != nullptr) ::munmap(mutex_, sizeof *mutex_);
  }

  void begin() {
    if (mutex_ == nullptr || is_mine_) return;
    int got = EBUSY;
    for (int tries = 0; tries < 200 && got == EBUSY; ++tries) got = pthread_mutex_trylock(mutex_);
    if (got == EBUSY) {
      timespec limit{};
      clock_gettime(CLOCK_REALTIME, &limit);
      limit.tv_nsec += 100'000'000;
      limit.tv_sec += limit.tv_nsec / 1'000'000'000;
      limit.tv_nsec %= 1'000'000'000;
      got = pthread_mutex_timedlock(mutex_, &limit);
    }
    if (got == EOWNERDEAD) pthread_mutex_consistent(mutex_);
    is_mine_ = got == 0 || got == EOWNERDEAD;
    if (has_own_core_) sched_setaffinity(0, sizeof own_, &own_);
  }

  void end() {
    if (is_mine_) pthread_mutex_unlock(mutex_);
    if (has_own_core_) sched_setaffinity(0, sizeof shared_, &shared_);
    is_mine_ = false;
  }

 private:
  /// The last core is for computing, where there is another for the rest.
  void split_cores() {
    if (sched_getaffinity(0, sizeof all_, &all_) != 0 || CPU_COUNT(&all_) < 2) return;
    shared_ = all_;
    int last = CPU_SETSIZE - 1;
    while (!CPU_ISSET(last, &shared_)) --last;
    CPU_ZERO(&own_);
    CPU_SET(last, &own_);
    CPU_CLR(last, &shared_);
    has_own_core_ = true;
  }

  pthread_mutex_t* mutex_ = nullptr;
  bool is_mine_ = false, has_own_core_ = false;
  cpu_set_t all_{}, own_{}, shared_{};
};

}  // namespace iop_cluster
