// SPDX-License-Identifier: MIT
#pragma once

// Reports as text for people.

#include "report.hpp"

#include <cstdio>
#include <vector>

namespace what_if {

/// One plan, step by step.
void print_plan(std::FILE* to, const network& n, const setup& s, const report& r);

/// One row per policy.
void print_comparison(std::FILE* to, const network& n, const setup& s, const std::vector<report>& reports);

}  // namespace what_if
