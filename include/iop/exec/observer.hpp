// SPDX-License-Identifier: MIT
#pragma once

// Who watches an executor: told before and after each step of its rank, on its thread. A trace, a profile or
// an emulation of a slower device is an observer; it brings its own clock and memory. Without one, nothing of
// this becomes part of the program.

#include <iop/spec/operators.hpp>

#include <cstddef>

namespace iop::exec {

struct step_event {
  std::size_t number = 0;    ///< of the step in the plan's schedule; equal on all ranks
  std::size_t tensor = 0;    ///< the operator that is computed, or whose output moves
  kind what = kind::input;   ///< of that operator
  bool is_exchange = false;  ///< otherwise it computes
};

/// `after` is not called for an exchange that failed.
template <class Observer>
concept step_observer = requires(Observer& each, const step_event& event) {
  each.before(event);
  each.after(event);
};

struct no_observer {
  constexpr void before(const step_event&) const {}
  constexpr void after(const step_event&) const {}
};

static_assert(step_observer<const no_observer>);

}  // namespace iop::exec
