// SPDX-License-Identifier: MIT
#pragma once

// Buffers and shapes for the kernel tests. Inputs have exactly the floats a kernel may read, so that an
// address sanitizer sees any other read; outputs are surrounded by, and interleaved with, a mark that must
// survive. Numbers are small integers where results must be exact, and fractions where the order of additions
// must show.

#include <iop/kernel/geometry.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <sstream>
#include <string>
#include <vector>

namespace iop::kernel::tests {

/// The same numbers on every platform (a 64-bit linear congruential generator).
class generator {
 public:
  explicit generator(std::uint64_t seed) : state_(seed * 0x9e3779b97f4a7c15u + 1) {}

  std::uint32_t bits() {
    state_ = state_ * 6364136223846793005u + 1442695040888963407u;
    return static_cast<std::uint32_t>(state_ >> 32);
  }
  /// In [low, high].
  std::size_t between(std::size_t low, std::size_t high) { return low + bits() % (high - low + 1); }
  bool one_in(std::size_t n) { return between(1, n) == 1; }
  float whole() { return static_cast<float>(between(0, 6)) - 3.0f; }
  float fraction() { return static_cast<float>(bits()) / 2147483648.0f - 1.0f; }
  float value(bool exact) { return exact ? whole() : fraction(); }

 private:
  std::uint64_t state_;
};

/// Floats from the first to the last of a box, gaps between pixels included.
inline std::size_t span_of(const extents& e) {
  const std::size_t pixels = e.height * e.width;
  return pixels == 0 || e.channels == 0 ? 0 : (pixels - 1) * e.pixel_stride + e.channels;
}

inline std::vector<float> make_values(std::size_t count, bool exact, generator& draw) {
  std::vector<float> all(count);
  for (float& each : all) each = draw.value(exact);
  return all;
}

/// An output buffer that notices every write outside its box.
class marked {
 public:
  explicit marked(const extents& shape) : shape_(shape), all_(margin + span_of(shape) + margin, mark) {}

  float* data() { return all_.data() + margin; }
  float at(std::size_t y, std::size_t x, std::size_t c) const {
    return all_[margin + (y * shape_.width + x) * shape_.pixel_stride + c];
  }
  /// The box alone, without gaps.
  std::vector<float> box() const {
    std::vector<float> inside;
    for (std::size_t y = 0; y < shape_.height; ++y)
      for (std::size_t x = 0; x < shape_.width; ++x)
        for (std::size_t c = 0; c < shape_.channels; ++c) inside.push_back(at(y, x, c));
    return inside;
  }
  bool is_intact() const {
    std::vector<float> copy = all_;
    for (std::size_t p = 0; p < shape_.height * shape_.width; ++p)
      std::fill_n(copy.data() + margin + p * shape_.pixel_stride, shape_.channels, mark);
    return std::all_of(copy.begin(), copy.end(), [](float each) { return each == mark; });
  }

 private:
  static constexpr std::size_t margin = 40;
  static constexpr float mark = -98765.4321f;
  extents shape_;
  std::vector<float> all_;
};

inline bool same_bits(const std::vector<float>& a, const std::vector<float>& b) {
  return a.size() == b.size() &&
         (a.empty() || std::memcmp(a.data(), b.data(), a.size() * sizeof(float)) == 0);
}

/// An activation that cuts off: whole numbers stay whole.
inline activation_function draw_limits(generator& draw) {
  constexpr activation all[] = {activation::none, activation::relu, activation::relu6};
  return all[draw.between(0, 2)];
}

inline constexpr activation_function curves_to_try[] = {
    {activation::leaky_relu, 0.1f}, activation::hard_swish, activation::sigmoid, activation::tanh};

/// A windowed operator of any kind whose work is small; channels are left at 1.
inline windowed make_window(generator& draw) {
  windowed g;
  const auto side = [&](std::size_t& in, std::size_t& out, std::size_t& kernel, std::size_t& stride,
                        std::size_t& dilation, std::ptrdiff_t& origin) {
    kernel = draw.one_in(8) ? draw.between(6, 11) : draw.between(1, 5);
    stride = draw.between(1, 4);
    dilation = draw.one_in(3) ? draw.between(2, 3) : 1;
    in = draw.between(1, 20);
    origin = static_cast<std::ptrdiff_t>(draw.between(0, dilation * (kernel - 1) + 3)) -
             static_cast<std::ptrdiff_t>(dilation * (kernel - 1));
    const auto room = static_cast<std::ptrdiff_t>(in) - origin;
    const std::size_t fitting = room > 0 ? (static_cast<std::size_t>(room) + stride - 1) / stride : 1;
    out = draw.between(1, fitting + 1);  // the last windows may stick out, or see nothing at all
  };
  side(g.in.height, g.out.height, g.kernel_height, g.stride_height, g.dilation_height, g.top);
  side(g.in.width, g.out.width, g.kernel_width, g.stride_width, g.dilation_width, g.left);
  g.act = draw_limits(draw);
  return g;
}

inline void set_channels(windowed& g, std::size_t in, std::size_t out, std::size_t groups, generator& draw) {
  g.in.channels = in;
  g.out.channels = out;
  g.groups = groups;
  g.in.pixel_stride = in + (draw.one_in(3) ? draw.between(1, 9) : 0);
  g.out.pixel_stride = out + (draw.one_in(3) ? draw.between(1, 9) : 0);
}

inline std::size_t work_of(const windowed& g) {
  return g.out.height * g.out.width * g.out.channels * g.kernel_height * g.kernel_width *
         (g.in.channels / g.groups);
}

/// A convolution: direct, grouped or depthwise, at most `most_work` multiply-adds.
inline windowed make_convolution(generator& draw, std::size_t most_work) {
  for (;;) {
    windowed g = make_window(draw);
    const std::size_t kind = draw.between(0, 9), inputs = draw.between(1, 70), groups = draw.between(2, 5);
    if (kind < 6) set_channels(g, inputs, draw.between(1, 140), 1, draw);
    if (kind == 6) set_channels(g, draw.between(1, 3), draw.between(1, 70), 1, draw);  // a first layer
    if (kind == 7) set_channels(g, inputs, inputs, inputs, draw);
    if (kind == 8) set_channels(g, inputs, inputs * draw.between(2, 3), inputs, draw);
    if (kind == 9) set_channels(g, groups * draw.between(1, 14), groups * draw.between(1, 40), groups, draw);
    if (work_of(g) <= most_work) return g;
  }
}

/// Rows [first, first + count) of the output as an operator of its own, and the input rows that it needs.
struct strip {
  windowed g;
  std::size_t in_offset = 0;   ///< floats
  std::size_t out_offset = 0;  ///< floats
};

inline strip make_strip(const windowed& g, std::size_t first, std::size_t count) {
  const auto height = static_cast<std::ptrdiff_t>(g.in.height);
  const std::ptrdiff_t from = g.top + static_cast<std::ptrdiff_t>(first * g.stride_height);
  const std::ptrdiff_t to = from + static_cast<std::ptrdiff_t>((count - 1) * g.stride_height +
                                                               g.dilation_height * (g.kernel_height - 1) + 1);
  const std::ptrdiff_t begin = std::clamp<std::ptrdiff_t>(from, 0, height);
  const std::ptrdiff_t end = std::clamp<std::ptrdiff_t>(to, begin, height);
  strip s{g, static_cast<std::size_t>(begin) * g.in.row_stride(), first * g.out.row_stride()};
  s.g.in.height = static_cast<std::size_t>(end - begin);
  s.g.out.height = count;
  s.g.top = from - begin;
  return s;
}

inline std::string describe(const windowed& g) {
  std::ostringstream text;
  text << "in " << g.in.height << 'x' << g.in.width << 'x' << g.in.channels << '/' << g.in.pixel_stride
       << ", out " << g.out.height << 'x' << g.out.width << 'x' << g.out.channels << '/' << g.out.pixel_stride
       << ", kernel " << g.kernel_height << 'x' << g.kernel_width << ", stride " << g.stride_height << 'x'
       << g.stride_width << ", dilation " << g.dilation_height << 'x' << g.dilation_width << ", top " << g.top
       << ", left " << g.left << ", groups " << g.groups;
  return text.str();
}

}  // namespace iop::kernel::tests
