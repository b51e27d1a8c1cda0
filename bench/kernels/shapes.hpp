// SPDX-License-Identifier: MIT
#pragma once

// The distinct operators of the measured networks, and what they cost by count: an operator is the same as
// another when the kernel is told the same. What Winograd's algorithm can do is there in both forms.

#include "support/zoo.hpp"

#include <iop/kernel/geometry.hpp>

#include <string>
#include <vector>

namespace iop_bench {

struct measured {
  iop::op what{};
  std::vector<std::string> networks{};  ///< that have it
  std::size_t count = 0;                ///< how often, in all of them together
  bool by_winograd = false;
};

/// In the order of their first appearance; without the input and what is free.
std::vector<measured> distinct_operators(const std::vector<std::string>& networks);

/// "64x56x56 > 128x28x28, 3x3 / 2, pad 1": channels × height × width of input and output.
std::string shape_text(const measured& m);

/// Two for each multiply-add that hits the input, so that padding earns nothing; one for each other
/// operation. By Winograd's algorithm, two for each multiply-add between its transforms.
double useful_flops(const measured& m);

/// Of a kernel that is told this: multiply-adds, or with one operation for each tap.
double useful_flops(const iop::kernel::windowed& g, bool is_weighted);

/// Weights, inputs and output, each once.
double least_bytes(const measured& m);

}  // namespace iop_bench
