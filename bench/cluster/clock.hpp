// SPDX-License-Identifier: MIT
#pragma once

// Time as an emulated device sees it: seconds of the clock that all processes of this machine share, and
// waiting for a moment to a few microseconds.

#include <ctime>

namespace iop_cluster {

inline double now() {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

/// Sleeps, but for the last stretch: waking up takes tens of microseconds, and there are few cores to spin
/// on.
inline void wait_until(double moment) {
  constexpr double spun = 50e-6;
  const double asleep_until = moment - spun;
  if (now() < asleep_until) {
    timespec wake{};
    wake.tv_sec = static_cast<time_t>(asleep_until);
    wake.tv_nsec = static_cast<long>((asleep_until - static_cast<double>(wake.tv_sec)) * 1e9);
    while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &wake, nullptr) != 0) {
    }
  }
  while (now() < moment) {
  }
}

}  // namespace iop_cluster
