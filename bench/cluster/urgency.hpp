// SPDX-License-Identifier: MIT
#pragma once

// Which of the devices of one machine runs when several could: who sends, receives or wakes up at a moment
// goes before who computes, and so does the kernel's own work for messages. Only root's processes may.

#include <sched.h>

namespace iop_cluster {

class urgency {
 public:
  void become(bool is_urgent) {
    if (is_urgent == is_urgent_) return;
    is_urgent_ = is_urgent;
    sched_param priority{};
    priority.sched_priority = is_urgent ? 1 : 0;
    sched_setscheduler(0, is_urgent ? SCHED_RR : SCHED_OTHER, &priority);
  }

 private:
  bool is_urgent_ = true;  ///< as it was started (crew.py)
};

}  // namespace iop_cluster
