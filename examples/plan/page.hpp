// SPDX-License-Identifier: MIT
#pragma once

// Reports as one HTML page that needs nothing else: page.html with the numbers in it, which a script draws.

#include "report.hpp"

#include <string>
#include <vector>

namespace what_if {

std::string to_page(const network& n, const setup& s, const std::vector<report>& reports);

}  // namespace what_if
