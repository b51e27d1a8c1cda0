// SPDX-License-Identifier: MIT
#pragma once

// From types to numbers: each operator type appends plain `op` structs to a lowering, which infers sizes from
// the operator before and names the weights. What cannot be is recorded as a sentence, which `network` shows.

#include <iop/core/text.hpp>
#include <iop/model/options.hpp>
#include <iop/spec/operators.hpp>

#include <cstddef>

namespace iop::model {

using tensor_name = text<47>;

/// A network as plain numbers. `names[i]` is the prefix of operator i's weights.
template <std::size_t Count>
struct lowered {
  op ops[Count]{};
  tensor_name names[Count]{};

  static constexpr std::size_t size() { return Count; }
  constexpr op_list list() const { return {ops, Count}; }
};

template <std::size_t Capacity>
struct lowering {
  fixed_vector<op, Capacity> ops;
  fixed_vector<tensor_name, Capacity> names;
  text<255> problem{};
  std::size_t convolutions = 0;
  std::size_t dense_layers = 0;
  bool is_flat = false;  ///< a flatten has been seen: only dense layers and element-wise operators may follow

  constexpr const shape& current() const { return ops.back().out; }

  template <class... Parts>
  constexpr void fail(const Parts&... parts) {
    if (problem.empty()) problem = sentence<255>(parts...);
  }

  constexpr void append(op next, std::string_view name = {}) {
    if (!problem.empty()) return;
    if (!ops.empty()) {
      next.inputs.push_back(ops.size() - 1);
      next.in = current();
    }
    ops.push_back(next);
    names.push_back(tensor_name(name));
  }

  constexpr tensor_name name_or(std::string_view given, std::string_view prefix, std::size_t number) const {
    tensor_name chosen;
    if (given.empty())
      chosen.append(prefix).append(number);
    else
      chosen.append(given);
    return chosen;
  }

  /// Appends a windowed operator with the given output channels, after checking that the window fits.
  constexpr void append_windowed(kind what, const settings& s, std::size_t out_channels,
                                 std::string_view name) {
    if (!problem.empty()) return;
    const shape in = current();
    const window& w = s.win;
    if (is_flat) return fail(name, " cannot follow flatten: put it before flatten, or use dense.");
    const std::size_t height = output_extent(in.height, w.kernel_height, w.stride_height, w.dilation_height,
                                             w.pad_top, w.pad_bottom, s.ceil);
    const std::size_t width = output_extent(in.width, w.kernel_width, w.stride_width, w.dilation_width,
                                            w.pad_left, w.pad_right, s.ceil);
    if (height == 0 || width == 0)
      return fail(name, ": a ", w.kernel_height, "x", w.kernel_width, " kernel does not fit the ", in.height,
                  "x", in.width, " input: use a smaller kernel or more padding.");
    op next{what,  activation::none, {}, {}, {out_channels, height, width}, w, s.groups,
            false, s.count_padding};
    next.bias = what == kind::conv2d && s.bias;
    append(next, name);
  }
};

}  // namespace iop::model
