// SPDX-License-Identifier: MIT
#pragma once

// An observer that times steps, inference after inference, by what this thread computed. Neighbours on the
// machine only ever make a step longer, so a step takes what the least disturbed of its runs took.

#include <iop/exec/observer.hpp>

#include <time.h>

#include <algorithm>
#include <cstddef>
#include <vector>

namespace calibrate {

/// Seconds that this thread has computed.
inline double computed() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

class stopwatch {
 public:
  stopwatch() {
    for (int i = 0; i < 100; ++i) {
      const double start = computed(), reading = computed() - start;
      cost_ = i == 0 ? reading : std::min(cost_, reading);
    }
  }

  /// Before an inference.
  void start() { step_ = 0; }
  void before(const iop::exec::step_event&) { begun_ = computed(); }
  void after(const iop::exec::step_event&) {
    const double seconds = std::max(computed() - begun_ - cost_, 0.0);
    if (step_ == seconds_.size()) seconds_.emplace_back();
    seconds_[step_++].push_back(seconds);
  }

  std::size_t steps() const { return seconds_.size(); }
  /// Of one step: an eighth of its runs took no longer.
  double seconds(std::size_t step) const {
    std::vector<double> all = seconds_[step];
    const auto octile = all.begin() + static_cast<std::ptrdiff_t>(all.size() / 8);
    std::nth_element(all.begin(), octile, all.end());
    return *octile;
  }

 private:
  std::vector<std::vector<double>> seconds_;
  std::size_t step_ = 0;
  double begun_ = 0, cost_ = 0;
};

}  // namespace calibrate
