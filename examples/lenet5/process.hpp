// SPDX-License-Identifier: MIT
#pragma once

// A child process whose stdin, stdout and stderr are pipes. It never outlives the object: the destructor
// kills it and waits for its end. No pipe is inherited by another child, so the end of a child is the end of
// its output.

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstddef>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

namespace lenet5 {

/// A file descriptor that is closed with its owner.
class descriptor {
 public:
  explicit descriptor(int number = -1) : number_(number) {}
  descriptor(descriptor&& other) noexcept : number_(other.release()) {}
  descriptor& operator=(descriptor&& other) noexcept {
    std::swap(number_, other.number_);
    return *this;
  }
  ~descriptor() {
    if (number_ >= 0) ::close(number_);
  }
  int get() const { return number_; }
  int release() { return std::exchange(number_, -1); }

 private:
  int number_;
};

class process {
 public:
  /// Starts `words[0]` with these words as its arguments; throws std::system_error.
  explicit process(std::vector<std::string> words) {
    std::array<descriptor, 3> theirs;
    for (std::size_t i = 0; i < theirs.size(); ++i) {
      std::array<int, 2> ends{};
      if (::pipe2(ends.data(), O_CLOEXEC) != 0)
        throw std::system_error(errno, std::generic_category(), "pipe");
      ours_[i] = descriptor(ends[i == 0 ? 1 : 0]);
      theirs[i] = descriptor(ends[i == 0 ? 0 : 1]);
    }
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    int stream = 0;
    for (const descriptor& each : theirs) posix_spawn_file_actions_adddup2(&actions, each.get(), stream++);
    sigset_t all;
    sigfillset(&all);
    posix_spawnattr_t attributes;
    posix_spawnattr_init(&attributes);
    posix_spawnattr_setsigdefault(&attributes, &all);  // a signal ignored here is not ignored there
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGDEF);
    std::vector<char*> arguments;
    for (std::string& each : words) arguments.push_back(each.data());
    arguments.push_back(nullptr);
    const int problem = ::posix_spawn(&id_, arguments[0], &actions, &attributes, arguments.data(), environ);
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&actions);
    if (problem == 0) return;
    id_ = -1;
    throw std::system_error(problem, std::generic_category(), "cannot start '" + words[0] + "'");
  }
  process(process&& other) noexcept
      : id_(std::exchange(other.id_, -1)), status_(other.status_), ours_(std::move(other.ours_)) {}
  process& operator=(process&&) = delete;
  ~process() {
    kill();
    wait();
  }

  /// Our end of stream 0, 1 or 2, to own from now on.
  descriptor take(std::size_t stream) { return std::move(ours_[stream]); }

  void kill() const {
    if (id_ > 0) ::kill(id_, SIGKILL);
  }

  /// Waits for the end and returns the status that waitpid(2) gave.
  int wait() {
    while (id_ > 0 && ::waitpid(id_, &status_, 0) < 0 && errno == EINTR) {
    }
    id_ = -1;
    return status_;
  }

 private:
  pid_t id_ = -1;
  int status_ = 0;
  std::array<descriptor, 3> ours_;
};

}  // namespace lenet5
