// SPDX-License-Identifier: MIT
#pragma once

// Clusters of unlike devices and links from a JSON file:
//   {"devices": [{"name": "camera", "flops": "2G", "memory_bandwidth": "1GB/s", "memory": "256MiB",
//                 "channel_step": 16}, …],
//    "link": {"bandwidth": "100Mbit", "message_time": "2ms", "shared_medium": false},
//    "links": [{"between": ["camera", "hub"], "bandwidth": "1Gbit"}, …], "input_rank": 0, "output_rank": 0}
// `link` joins every pair, `links` replace it for single ones. Quantities are numbers in basic units, or text
// as on the command line. Mistakes are a std::runtime_error with the file and the path in it.

#include "setup.hpp"

#include <string>

namespace what_if {

setup read_cluster(const std::string& file);

}  // namespace what_if
