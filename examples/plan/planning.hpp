// SPDX-License-Identifier: MIT
#pragma once

// The door to the planner, which is a template of the number of devices: one translation unit for each
// number.

#include "report.hpp"

namespace what_if {

template <std::size_t Ranks>
report report_on(const network& n, const setup& s, iop::policy policy);

}  // namespace what_if
