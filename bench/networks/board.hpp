// SPDX-License-Identifier: MIT
// Until `script/bench networks` has measured this machine: a core with AVX-512 (Zen 4), measured in the same
// way.
#pragma once

#include <iop/spec/cluster.hpp>

inline constexpr iop::device board{"board", {114e9}, {32e9}, {std::size_t{8} << 30}, 16, {400e9}};
