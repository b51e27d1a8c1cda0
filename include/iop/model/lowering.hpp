// SPDX-License-Identifier: MIT
#pragma once

// From types to numbers: each operator type appends plain `op` structs to a lowering, which infers sizes from
// the operator before and names the weights. What cannot be is recorded as a sentence, which `network` shows.

#include <iop/core/text.hpp>
#include <iop/model/options.hpp>
#include <iop/spec/operators.hpp>

#include <algorithm>
#include <cstddef>
#include <string_view>

namespace iop::model {

using tensor_name = text<47>;

/// A network as plain numbers. `names[i]` is the prefix of operator i's weights, `norm_names[i]` that of the
/// batch_norm behind it; both empty where there is none. What is refused has only the operators before its
/// mistake, so that nothing else need fail.
template <std::size_t Count>
struct lowered {
  bool is_possible = false;
  op ops[Count]{};
  tensor_name names[Count]{};
  tensor_name norm_names[Count]{};

  static constexpr std::size_t size() { return Count; }
  constexpr op_list list() const { return {ops, Count}; }
};

/// Where the next operator goes.
struct path {
  std::size_t end = 0;    ///< number of the operator that it reads
  std::size_t first = 0;  ///< operators before this number have other readers: nothing more fuses into them
  bool is_flat = false;  ///< a flatten has been seen: only dense layers and element-wise operators may follow
};

/// What default names are numbered by.
struct name_counts {
  std::size_t convolutions = 0;
  std::size_t dense_layers = 0;
  std::size_t norms = 0;
};

template <std::size_t Capacity>
struct lowering {
  fixed_vector<op, Capacity> ops;
  fixed_vector<tensor_name, Capacity> names;
  fixed_vector<tensor_name, Capacity> norm_names;
  text<255> problem{};
  path at{};
  name_counts counts{};
  text<127> prefix{};  ///< of all names, from the scopes around

  constexpr const shape& current() const { return ops[at.end].out; }

  template <class... Parts>
  constexpr void fail(const Parts&... parts) {
    if (problem.empty()) problem = sentence<255>(parts...);
  }

  /// Appends an operator that reads the end of the path, unless it says what it reads.
  constexpr void append(op next, std::string_view name = {}) {
    if (!problem.empty()) return;
    if (!ops.empty()) {
      if (next.inputs.empty()) next.inputs.push_back(at.end);
      next.in = ops[next.inputs[0]].out;
    }
    for (const double size : {size_of(next.out.channels, next.out.height, next.out.width),
                              size_of(next.out.channels, next.in.channels, kernel_area(next))})
      if (size > most_values)
        return fail(name.empty() ? name_of(next.what) : name, ": ", next.in.channels, "x", next.in.height,
                    "x", next.in.width, " to ", next.out.channels, "x", next.out.height, "x", next.out.width,
                    " has more than 2^40 outputs or weights: make it smaller.");
    at.end = ops.size();
    ops.push_back(next);
    names.push_back(tensor_name(name));
    norm_names.push_back({});
  }

  /// Outputs of an operator, and weights; more would not be counted rightly.
  static constexpr double most_values = 1099511627776.0;
  static constexpr double size_of(std::size_t a, std::size_t b, std::size_t c) {
    return static_cast<double>(a) * static_cast<double>(b) * static_cast<double>(c);
  }

  /// Another path that starts where `entry` ended.
  constexpr void start_path(const path& entry) { at = {entry.end, ops.size(), entry.is_flat}; }

  /// True when nothing else reads the end of the path, so that what follows may become part of it.
  constexpr bool may_fuse() const { return at.end >= at.first; }

  /// Applies a function to each element: as part of the operator before where that can be, or as its own.
  constexpr void apply(activation function, float slope = op{}.slope) {
    if (!problem.empty()) return;
    op& before = ops[at.end];
    if (!may_fuse() || before.act != activation::none || !(is_weighted(before) || before.what == kind::add))
      append({kind::elementwise, activation::none, {}, {}, current()});
    ops[at.end].act = function;
    ops[at.end].slope = slope;
  }

  /// The name that was given, or else the default one with its number, behind the names of the scopes around.
  constexpr tensor_name name_or(std::string_view given, std::string_view word, std::size_t number) {
    text<255> full(prefix.view());
    if (given.empty())
      full.append(word).append(number);
    else
      full.append(given);
    const tensor_name chosen(full.view());
    if (full.length > chosen.length)
      fail("the name '", chosen.view(), "...' has ", full.length, " characters, at most ", chosen.length,
           " fit: choose a shorter one.");
    return chosen;
  }

  static constexpr std::size_t most_extent = 1'000'000;

  /// Appends a windowed operator with the given output channels, after checking that the window fits.
  constexpr void append_windowed(kind what, const settings& s, std::size_t out_channels,
                                 std::string_view name) {
    if (!problem.empty()) return;
    const shape in = current();
    const window& w = s.win;
    if (at.is_flat) return fail(name, " cannot follow flatten: put it before flatten, or use dense.");
    for (const std::size_t each :
         {w.kernel_height, w.kernel_width, w.stride_height, w.stride_width, w.dilation_height,
          w.dilation_width, w.pad_top, w.pad_bottom, w.pad_left, w.pad_right})
      if (each > most_extent)
        return fail(name, ": a kernel, stride, dilation or padding of ", each, " is more than ", most_extent,
                    ": make it smaller.");
    const std::size_t pad_height = std::max(w.pad_top, w.pad_bottom),
                      pad_width = std::max(w.pad_left, w.pad_right);
    if (what != kind::conv2d && (pad_height >= reach(w.kernel_height, w.dilation_height) ||
                                 pad_width >= reach(w.kernel_width, w.dilation_width)))
      return fail(name, ": with padding of ", std::max(pad_height, pad_width), " windows of ",
                  w.kernel_height, "x", w.kernel_width, " see padding only: use less padding.");
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
    append(next, is_weighted(next) ? name : std::string_view{});
  }
};

}  // namespace iop::model
