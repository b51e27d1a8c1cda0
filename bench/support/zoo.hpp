// SPDX-License-Identifier: MIT
#pragma once

// The networks that are measured, as plain numbers: what each engine is built from, so that none of them is
// described twice.

#include <iop/model/lowering.hpp>
#include <iop/spec/operators.hpp>

#include <span>
#include <string_view>
#include <vector>

namespace iop_bench {

struct network {
  std::string_view name{};
  iop::op_list ops{};
  std::span<const iop::model::tensor_name> names{};       ///< prefix of each operator's weights
  std::span<const iop::model::tensor_name> norm_names{};  ///< prefix of the batch_norm behind it
};

/// In the order in which they are reported.
const std::vector<network>& networks();

/// Throws std::invalid_argument when there is none of this name.
const network& find_network(std::string_view name);

}  // namespace iop_bench
