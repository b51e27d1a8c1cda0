// SPDX-License-Identifier: MIT
#pragma once

// A device that is slower than this machine, as an observer of the steps: each compute step lasts as long as
// it computed × factor, whatever else the cores were doing meanwhile. The device's own clock runs ahead
// while it computes and is waited for before each exchange; a step that could not keep up with it (too many
// devices for the cores) shows as lateness. Records what every step took, for timelines.

#include "clock.hpp"
#include "turn.hpp"

#include <iop/exec/observer.hpp>

#include <algorithm>
#include <cstddef>
#include <vector>

namespace iop_cluster {

/// What a step took: from when to when on the device's clock, and how long of it was computing.
struct recorded_step {
  iop::exec::step_event step{};
  double begin = 0;
  double end = 0;
  double computed = 0;
};

class slow_device {
 public:
  /// `factor` 0: this machine is the device itself.
  slow_device(double factor, turn& shared) : factor_(factor), turn_(shared) {
    for (int i = 0; i < 100; ++i) {
      const double start = computed();
      const double reading = computed() - start;
      clock_cost_ = i == 0 ? reading : std::min(clock_cost_, reading);
    }
    steps_.reserve(1024);
  }

  void start() {
    steps_.clear();
    lateness_ = 0;
    clock_ = now();
  }

  void before(const iop::exec::step_event& event) {
    if (event.is_exchange)
      catch_up();
    else if (factor_ > 0)
      turn_.begin();
    begun_ = event.is_exchange ? now() : computed();
  }

  void after(const iop::exec::step_event& event) {
    if (event.is_exchange) {
      clock_ = now();
      steps_.push_back({event, begun_, clock_, 0});
      return;
    }
    const double cost = std::max(computed() - begun_ - clock_cost_, 0.0);
    const double begin = clock_;
    clock_ = factor_ > 0 ? clock_ + cost * factor_ : now();
    steps_.push_back({event, begin, clock_, cost});
  }

  /// The end of the inference, on the device's clock.
  void finish() { catch_up(); }

  const std::vector<recorded_step>& steps() const { return steps_; }
  /// Seconds by which this machine was behind the device's clock, of this inference.
  double lateness() const { return lateness_; }

 private:
  void catch_up() {
    if (factor_ <= 0) return;
    turn_.end();
    const double late = now() - clock_;
    if (late < 0) wait_until(clock_);
    lateness_ += std::max(late, 0.0);
  }

  double factor_;
  turn& turn_;
  double clock_cost_ = 0;
  double clock_ = 0;  ///< the moment that the device has reached
  double begun_ = 0;
  double lateness_ = 0;
  std::vector<recorded_step> steps_;
};

}  // namespace iop_cluster
