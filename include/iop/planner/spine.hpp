// SPDX-License-Identifier: MIT
#pragma once

// The spine: the path of operators with the most work from the input to the result. What a plan takes at
// least is known along it (bound.hpp).

#include <iop/spec/operators.hpp>

#include <cstddef>

namespace iop::planner {

template <std::size_t Operators>
struct spine {
  std::size_t next[Operators]{};     ///< of each operator, the reader with the most work from there on; or 0
  std::size_t before[Operators]{};   ///< the operator on the spine that made the last of its tensors before
  bool has[Operators]{};             ///< the operator is on the spine
  bool is_read_before[Operators]{};  ///< its tensor is read by others before `next`

  constexpr spine() = default;
  constexpr explicit spine(op_list ops) {
    double work[Operators]{};  // of the heaviest path from an operator to the end
    for (std::size_t i = ops.size(); i-- > 0;) {
      const op& o = ops[i];
      if (next[i] != 0) work[i] = work[next[i]];
      work[i] += 1 + static_cast<double>(
                         multiply_adds(o, o.out.height * o.out.width, o.out.channels, channels_read(o)));
      for (const std::size_t input : o.inputs)
        if (next[input] == 0 || work[i] > work[next[input]]) next[input] = i;
    }
    for (std::size_t i = 0;; i = next[i]) {
      has[i] = true;
      const std::size_t end = next[i] == 0 ? i : next[i];
      for (std::size_t k = i + 1; k <= end; ++k) {
        before[k] = i;
        for (const std::size_t input : ops[k].inputs)
          if (input == i && k < end) is_read_before[i] = true;
      }
      if (next[i] == 0) break;
    }
  }
};

}  // namespace iop::planner
