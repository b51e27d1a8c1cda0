// SPDX-License-Identifier: MIT
// The window's arithmetic against its definition: try every position.
#include <iop/spec/window.hpp>

#include "catch.hpp"

using iop::range;
using iop::window;

namespace {

/// PyTorch's rule: count the starts from which a window fits; with ceil it may stick out at the end, if it
/// starts inside the input or its leading padding.
std::size_t count_outputs(int input, int kernel, int stride, int dilation, int before, int after, bool ceil) {
  const int padded = before + input + after, last_tap = (kernel - 1) * dilation;
  std::size_t count = 0;
  for (int start = 0;; start += stride, ++count) {
    if (start + last_tap < padded) continue;
    // Of the windows that stick out only the first counts, and only for what its predecessor left over.
    const bool left_over = padded - 1 - last_tap > start - stride;
    return count + (ceil && left_over && start < before + input ? 1 : 0);
  }
}

template <class Visit>
void for_each_window(Visit visit) {
  for (std::size_t kernel = 1; kernel <= 4; ++kernel)
    for (std::size_t stride = 1; stride <= 4; ++stride)
      for (std::size_t dilation = 1; dilation <= 3; ++dilation)
        for (std::size_t before = 0; before <= 3; ++before)
          for (std::size_t after = 0; after <= 3; ++after)
            for (std::size_t input = 1; input <= 9; ++input)
              visit(kernel, stride, dilation, before, after, input);
}

}  // namespace

TEST_CASE("output_extent counts the windows that fit", "[spec]") {
  std::size_t wrong = 0;
  for_each_window([&](std::size_t kernel, std::size_t stride, std::size_t dilation, std::size_t before,
                      std::size_t after, std::size_t input) {
    // With ceil, PyTorch allows padding of at most half the kernel.
    for (const bool ceil : {false, true}) {
      if (ceil && (2 * before > kernel || 2 * after > kernel)) continue;
      const auto number = [](std::size_t n) { return static_cast<int>(n); };
      const std::size_t expected = count_outputs(number(input), number(kernel), number(stride),
                                                 number(dilation), number(before), number(after), ceil);
      if (iop::output_extent(input, kernel, stride, dilation, before, after, ceil) == expected) continue;
      if (++wrong > 3) return;
      FAIL_CHECK("input " << input << " kernel " << kernel << " stride " << stride << " dilation " << dilation
                          << " pads " << before << ", " << after << " ceil " << ceil << ": expected "
                          << expected << ", got "
                          << iop::output_extent(input, kernel, stride, dilation, before, after, ceil));
    }
  });
  CHECK(wrong == 0);
}

TEST_CASE("a window that must not start in the trailing padding", "[spec]") {
  CHECK(iop::output_extent(5, 2, 2, 1, 0, 0, true) == 3);
  CHECK(iop::output_extent(5, 2, 2, 1, 0, 0, false) == 2);
  CHECK(iop::output_extent(2, 3, 2, 1, 0, 0, true) ==
        1);  // SqueezeNet 1.1 on 17x17, the least torchvision takes
  CHECK(iop::output_extent(2, 4, 2, 1, 0, 0, true) == 0);
  CHECK(iop::output_extent(3, 2, 2, 1, 1, 1, true) == 2);  // a third would start at 4 = input + leading pad
}

TEST_CASE("input_rows is the hull of the rows that the taps hit", "[spec]") {
  std::size_t wrong = 0, seen = 0;
  for_each_window([&](std::size_t kernel, std::size_t stride, std::size_t dilation, std::size_t before,
                      std::size_t after, std::size_t input) {
    window w;
    w.kernel_height = kernel, w.stride_height = stride, w.dilation_height = dilation;
    w.pad_top = before, w.pad_bottom = after;
    const std::size_t outputs = iop::output_extent(input, kernel, stride, dilation, before, after);
    for (std::size_t begin = 0; begin < outputs; ++begin)
      for (std::size_t end = begin + 1; end <= outputs; ++end) {
        std::size_t low = input, high = 0;
        for (std::size_t y = begin; y < end; ++y)
          for (std::size_t i = 0; i < kernel; ++i) {
            const std::size_t padded = y * stride + i * dilation;
            if (padded < before || padded - before >= input) continue;
            low = std::min(low, padded - before);
            high = std::max(high, padded - before + 1);
          }
        const range got = input_rows(w, {begin, end}, input);
        ++seen;
        // Rows between taps or windows that nothing hits may be included, never left out; without any it is
        // exact.
        const bool right = dilation == 1 && kernel >= stride
                               ? got == (low < high ? range{low, high} : range{})
                               : got.contains(low < high ? range{low, high} : range{}) && got.end <= input;
        if (right) continue;
        if (++wrong > 3) return;
        FAIL_CHECK("input " << input << " kernel " << kernel << " stride " << stride << " dilation "
                            << dilation << " pads " << before << ", " << after << " rows " << begin << " to "
                            << end << ": expected " << low << " to " << high << ", got " << got.begin
                            << " to " << got.end);
      }
  });
  CHECK(wrong == 0);
  CHECK(seen > 10000);
}

TEST_CASE("no rows need no rows", "[spec]") {
  CHECK(input_rows(window{3, 3}, {4, 4}, 9) == range{});
  CHECK(iop::reach(5, 1) == 5);
  CHECK(iop::reach(3, 4) == 9);
}

TEST_CASE("taps_inside counts the taps that fall on the input, of all rows and of strips", "[spec]") {
  std::size_t wrong = 0, strips = 0;
  for_each_window([&](std::size_t kernel, std::size_t stride, std::size_t dilation, std::size_t before,
                      std::size_t after, std::size_t input) {
    const std::size_t outputs = iop::output_extent(input, kernel, stride, dilation, before, after);
    for (std::size_t begin = 0; begin < outputs; ++begin)
      for (std::size_t end = begin + 1; end <= outputs; ++end) {
        std::size_t hits = 0;
        for (std::size_t out = begin; out < end; ++out)
          for (std::size_t tap = 0; tap < kernel; ++tap) {
            const std::size_t padded = out * stride + tap * dilation;
            hits += padded >= before && padded < before + input;
          }
        ++strips;
        wrong += iop::taps_inside({begin, end}, input, before, kernel, stride, dilation) != hits;
      }
  });
  CHECK(strips > 10000);
  CHECK(wrong == 0);
}
