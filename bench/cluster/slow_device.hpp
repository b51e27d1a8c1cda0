// SPDX-License-Identifier: MIT
#pragma once

// A device that is slower than this machine, as an observer of the steps: each compute step lasts as long as
// it computed × factor. How long it computes is rehearsed: the device's steps one inference after another, as
// on a device that does nothing else. (A process that waits between its steps loses caches and branch history
// that the device would keep.) The device's own clock runs ahead while it computes and is waited for before
// each exchange; a step that could not keep up with it shows as lateness. Computing, which has the time of
// the slowed step, gives way to what must happen at its moment. Records what every step took, for timelines.

#include "clock.hpp"
#include "urgency.hpp"

#include <calibrate/stopwatch.hpp>

#include <iop/exec/observer.hpp>

#include <algorithm>
#include <cstddef>
#include <utility>
#include <vector>

namespace iop_cluster {

/// What a step took: from when to when on the device's clock, and how long of it was computing.
struct recorded_step {
  iop::exec::step_event step{};
  double begin = 0;
  double end = 0;
  double computed = 0;
};

/// What watches an inference.
class watcher {
 public:
  virtual ~watcher() = default;
  virtual void before(const iop::exec::step_event& event) = 0;
  virtual void after(const iop::exec::step_event& event) = 0;
};

/// Watches rehearsals: what each step costs here.
class rehearsal final : public watcher {
 public:
  void start() { watch_.start(); }
  void before(const iop::exec::step_event& event) override { watch_.before(event); }
  void after(const iop::exec::step_event& event) override { watch_.after(event); }

  /// Seconds of each step.
  std::vector<double> costs() const {
    std::vector<double> all;
    for (std::size_t step = 0; step < watch_.steps(); ++step) all.push_back(watch_.seconds(step));
    return all;
  }

 private:
  calibrate::stopwatch watch_;
};

class slow_device final : public watcher {
 public:
  /// `costs`: seconds of the steps on this machine. `factor` 0: this machine is the device itself.
  slow_device(double factor, std::vector<double> costs) : factor_(factor), costs_(std::move(costs)) {
    steps_.reserve(costs_.size());
  }

  void start() {
    steps_.clear();
    lateness_ = 0;
    clock_ = now();
  }

  void before(const iop::exec::step_event& event) override {
    if (event.is_exchange)
      catch_up();
    else
      urgency_.become(false);
    begun_ = now();
  }

  void after(const iop::exec::step_event& event) override {
    if (event.is_exchange || factor_ <= 0) {
      clock_ = now();
      steps_.push_back({event, begun_, clock_, 0});
      return;
    }
    const double cost = costs_[steps_.size()];
    const double begin = clock_;
    clock_ += cost * factor_;
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
    urgency_.become(true);
    const double late = now() - clock_;
    if (late < 0) wait_until(clock_);
    lateness_ += std::max(late, 0.0);
  }

  double factor_;
  urgency urgency_;
  std::vector<double> costs_;
  double clock_ = 0;  ///< the moment that the device has reached
  double begun_ = 0;
  double lateness_ = 0;
  std::vector<recorded_step> steps_;
};

}  // namespace iop_cluster
