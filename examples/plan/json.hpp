// SPDX-License-Identifier: MIT
#pragma once

// Reports for tools: network, cluster and plans with all numbers that the cost model starts from, so that
// every makespan can be recomputed from this text alone. Its "cluster" is a valid cluster file.

#include "report.hpp"

#include <nlohmann/json.hpp>

#include <vector>

namespace what_if {

nlohmann::ordered_json to_json(const network& n, const setup& s, const std::vector<report>& reports);

}  // namespace what_if
