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
  bool has_side[Operators]{};        ///< the first of these has weights and comes right behind it
  /// The next operator on the spine with several inputs, if another of them is made by then and nobody else
  /// reads that before; or 0.
  std::size_t join[Operators]{};
  std::size_t other_input[Operators]{};  ///< of the join
  bool is_fork[Operators]{};             ///< makes that input, which `next` reads too

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
          if (input == i && k < end) {
            is_read_before[i] = true;
            has_side[i] = has_side[i] || (k == i + 1 && is_weighted(ops[k]));
          }
      }
      if (next[i] == 0) break;
    }
    for (std::size_t i = 0; next[i] != 0; i = next[i]) look_ahead(ops, i);
  }

 private:
  constexpr void look_ahead(op_list ops, std::size_t i) {
    std::size_t end = next[i];
    while (end != 0 && ops[end].inputs.size() < 2) end = next[end];
    if (end == 0) return;
    for (std::size_t k = 0; k < ops[end].inputs.size(); ++k) {
      const std::size_t tensor = ops[end].inputs[k];
      if (tensor == before[end] || tensor > i) continue;
      bool is_read = false, is_read_behind = false;  // by `next`, by others
      for (std::size_t reader = i + 1; reader < end; ++reader)
        for (const std::size_t input : ops[reader].inputs)
          if (input == tensor) (reader == next[i] ? is_read : is_read_behind) = true;
      if (is_read_behind || (is_read && tensor != i)) continue;
      join[i] = end, other_input[i] = k, is_fork[i] = tensor == i;
      return;
    }
  }
};

}  // namespace iop::planner
