// SPDX-License-Identifier: MIT
#pragma once

// Options of operators, named and in any order: `conv2d<6, kernel<5>, pad<2>>`. Each is an empty type that
// knows how to write itself into the plain struct of settings; an operator lists which ones it takes.

#include <iop/core/text.hpp>
#include <iop/model/real.hpp>
#include <iop/spec/operators.hpp>
#include <iop/spec/window.hpp>

#include <concepts>
#include <cstddef>
#include <string_view>

namespace iop::model {

/// What the options of one operator say, gathered.
struct settings {
  window win{};
  std::size_t groups = 1;
  bool bias = true;
  bool has_stride = false;
  bool count_padding = true;
  bool ceil = false;
  std::string_view name{};
  float epsilon = op{}.norm_epsilon;
  response_norm response{};
};

/// Kernel height and width; one number means both.
template <std::size_t Height, std::size_t Width = Height>
struct kernel {
  static_assert(Height > 0 && Width > 0, "iop: kernel<...> must be at least 1.");
  static constexpr int option = 0;
  static constexpr void apply(settings& s) { s.win.kernel_height = Height, s.win.kernel_width = Width; }
};

template <std::size_t Height, std::size_t Width = Height>
struct stride {
  static_assert(Height > 0 && Width > 0, "iop: stride<...> must be at least 1.");
  static constexpr int option = 1;
  static constexpr void apply(settings& s) {
    s.win.stride_height = Height, s.win.stride_width = Width, s.has_stride = true;
  }
};

template <std::size_t Height, std::size_t Width = Height>
struct dilation {
  static_assert(Height > 0 && Width > 0, "iop: dilation<...> must be at least 1.");
  static constexpr int option = 2;
  static constexpr void apply(settings& s) { s.win.dilation_height = Height, s.win.dilation_width = Width; }
};

/// Zeros around the input: pad<all>, pad<vertical, horizontal> or pad<top, left, bottom, right>.
template <std::size_t Top, std::size_t Left = Top, std::size_t Bottom = Top, std::size_t Right = Left>
struct pad {
  static constexpr int option = 3;
  static constexpr void apply(settings& s) {
    s.win.pad_top = Top, s.win.pad_left = Left, s.win.pad_bottom = Bottom, s.win.pad_right = Right;
  }
};

/// Channels in that many independent groups, as in PyTorch.
template <std::size_t Count>
struct groups {
  static_assert(Count > 0, "iop: groups<...> must be at least 1.");
  static constexpr int option = 4;
  static constexpr void apply(settings& s) { s.groups = Count; }
};

struct no_bias {
  static constexpr int option = 5;
  static constexpr void apply(settings& s) { s.bias = false; }
};

/// Name of the operator's tensors in weight files: `name<"features.0">` reads "features.0.weight". Without it
/// convolutions are called conv1, conv2, … and dense layers fc1, fc2, …
template <text Text>
struct name {
  static constexpr int option = 6;
  static constexpr void apply(settings& s) { s.name = Text.view(); }
};

/// average_pool divides by the elements that exist instead of by the kernel's area.
struct exclude_padding {
  static constexpr int option = 7;
  static constexpr void apply(settings& s) { s.count_padding = false; }
};

/// A pooling window may stick out at the end (PyTorch's ceil_mode).
struct ceil_mode {
  static constexpr int option = 8;
  static constexpr void apply(settings& s) { s.ceil = true; }
};

/// What batch_norm adds to the variance.
template <real Value>
struct epsilon {
  static constexpr int option = 9;
  static constexpr void apply(settings& s) { s.epsilon = Value.value(); }
};

/// The factor of local_response_norm's sum of squares. PyTorch, and so this, divides it by the size.
template <real Value>
struct alpha {
  static constexpr int option = 10;
  static constexpr void apply(settings& s) { s.response.alpha = Value.value(); }
};

/// The exponent of local_response_norm.
template <real Value>
struct beta {
  static constexpr int option = 11;
  static constexpr void apply(settings& s) { s.response.beta = Value.value(); }
};

/// What local_response_norm adds to its sum of squares.
template <real Value>
struct k {
  static constexpr int option = 12;
  static constexpr void apply(settings& s) { s.response.k = Value.value(); }
};

template <class Option>
concept operator_option = requires(settings& s) {
  { Option::option } -> std::convertible_to<int>;
  Option::apply(s);
};

template <class Option, int... Taken>
inline constexpr bool is_one_of = ((Option::option == Taken) || ...);

template <class... Options>
constexpr bool are_distinct() {
  [[maybe_unused]] int seen = 0;
  bool distinct = true;
  ((distinct = distinct && (seen >> Options::option & 1) == 0, seen |= 1 << Options::option), ...);
  return distinct;
}

template <class... Options>
constexpr settings gather() {
  settings s;
  (Options::apply(s), ...);
  return s;
}

/// A pooling window: square, and by default not overlapping.
template <std::size_t Kernel, class... Options>
constexpr settings pool_settings() {
  static_assert(Kernel > 0, "iop: a pooling kernel must be at least 1.");
  settings s = gather<kernel<Kernel>, Options...>();
  if (!s.has_stride) s.win.stride_height = s.win.stride_width = Kernel;
  return s;
}

}  // namespace iop::model
