// SPDX-License-Identifier: MIT
// The sentences about networks that cannot be, at run time; tests/compile_fail shows that compilers print
// them.
#include <iop/model/lowering.hpp>

#include <string>

#include <iop/model/network.hpp>
#include "catch.hpp"

using namespace iop::model;

namespace {
template <class... Operators>
std::string problem() {
  return std::string(detail::lower_chain<Operators...>().problem.view());
}
}  // namespace

TEST_CASE("what is wrong with a network, what was got, what to do", "[model]") {
  CHECK(problem<input<3, 4, 6>, conv2d<2, kernel<3>>, conv2d<2, kernel<5, 3>>>() ==
        "conv2: a 5x3 kernel does not fit the 2x4 input: use a smaller kernel or more padding.");
  CHECK(problem<input<3, 2, 2>, max_pool<3>>() ==
        "max_pool: a 3x3 kernel does not fit the 2x2 input: use a smaller kernel or more padding.");
  CHECK(problem<input<3, 8, 8>, conv2d<4, groups<2>, name<"stem">>>() ==
        "stem: 2 groups do not divide 3 input and 4 output channels: choose a common divisor.");
  CHECK(problem<input<4, 8, 8>, conv2d<3, groups<2>>>() ==
        "conv1: 2 groups do not divide 4 input and 3 output channels: choose a common divisor.");
  CHECK(problem<input<3, 8, 9>, dense<4>>() ==
        "fc1: dense needs a flat input, got 3x8x9: put flatten before it.");
  CHECK(problem<input<3, 8, 8>, flatten, conv2d<4>>() ==
        "conv1 cannot follow flatten: put it before flatten, or use dense.");
}

TEST_CASE("the first problem is the one that is told", "[model]") {
  CHECK(problem<input<3, 2, 2>, max_pool<3>, relu, dense<3>, conv2d<4, groups<7>>, softmax>() ==
        "max_pool: a 3x3 kernel does not fit the 2x2 input: use a smaller kernel or more padding.");
  CHECK(problem<input<3, 8, 8>, relu, conv2d<4, kernel<3>>, flatten, dense<2>, softmax>().empty());
}
