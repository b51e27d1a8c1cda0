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

TEST_CASE("what is wrong with a block", "[model]") {
  CHECK(
      problem<input<4, 8, 8>, residual<conv2d<6, kernel<3>>>>() ==
      "residual: the main path makes 6x6x6 but the skip 4x8x8: add a project<conv2d<...>> that makes this of "
      "it.");
  CHECK(problem<input<4, 8, 8>, residual<project<conv2d<6>>, conv2d<6, stride<2>>>>() ==
        "residual: the main path makes 6x4x4 but the skip 6x8x8: give both paths the same channels and "
        "strides.");
  CHECK(problem<input<4, 8, 8>, conv2d<4>, residual<dropout<>>>() ==
        "residual: its main path computes nothing: put operators into residual<...>.");
  CHECK(problem<input<4, 8, 8>, project<conv2d<4>>>() ==
        "project stands outside of a residual: put it inside residual<...>.");
  CHECK(problem<input<4, 8, 8>, residual<conv2d<4>, chain<project<conv2d<4>>>>>() ==
        "project stands outside of a residual: put it inside residual<...>.");
  CHECK(problem<input<4, 8, 8>, branch<conv2d<4>>>() ==
        "branch stands outside of a concat: put it inside concat<...>.");
  CHECK(problem<input<4, 8, 8>, concat<branch<conv2d<4>>, branch<>, branch<conv2d<4, kernel<3>>>>>() ==
        "concat: branch 1 makes 8x8 pixels but branch 3 makes 6x6: give them the same strides and matching "
        "pads.");
  CHECK(problem<input<4, 8, 8>, concat<branch<>, branch<flatten>>>() ==
        "concat: branch 2 is flattened: put flatten behind concat.");
  CHECK(problem<input<4, 8, 8>, concat<branch<>, branch<conv2d<2, kernel<9>>>>, residual<dropout<>>>() ==
        "conv1: a 9x9 kernel does not fit the 8x8 input: use a smaller kernel or more padding.");
}

TEST_CASE("where batch_norm cannot stand", "[model]") {
  const auto behind = [](const std::string& what) {
    return "bn1: batch_norm must stand directly behind conv2d or dense, not behind " + what +
           ": move it there, or leave it out.";
  };
  CHECK(problem<input<4, 8, 8>, batch_norm<>>() == behind("input"));
  CHECK(problem<input<4, 8, 8>, conv2d<4>, max_pool<2>, batch_norm<>>() == behind("max_pool"));
  CHECK(problem<input<4, 8, 8>, conv2d<4>, relu, batch_norm<>>() == behind("relu"));
  CHECK(problem<input<4, 8, 8>, max_pool<2>, hyperbolic_tangent, batch_norm<>>() == behind("tanh"));
  CHECK(problem<input<4, 8, 8>, conv2d<4>, batch_norm<name<"b">>, batch_norm<name<"bn1">>>() ==
        behind("another batch_norm"));
  CHECK(problem<input<4, 8, 8>, conv2d<4>, flatten, batch_norm<>>() == behind("flatten"));
  CHECK(problem<input<4, 8, 8>, conv2d<4>, residual<batch_norm<>, conv2d<4>>>() ==
        behind("the start of a path"));
  CHECK(problem<input<4, 8, 8>, residual<conv2d<4>>, batch_norm<>>() == behind("add"));
  CHECK(problem<input<4, 8, 8>, flatten, dense<3>, batch_norm<>>().empty());
}

TEST_CASE("names that do not fit are refused, not cut", "[model]") {
  // 47 characters
  CHECK(
      problem<input<1, 1, 1>, conv2d<1, name<"a234567890b234567890c234567890d234567890e234567">>>().empty());
  CHECK(problem<input<1, 1, 1>, conv2d<1, name<"a234567890b234567890c234567890d234567890e2345678">>>() ==
        "the name 'a234567890b234567890c234567890d234567890e234567...' has 48 characters, at most 47 fit: "
        "choose a shorter one.");
  CHECK(problem<input<1, 1, 1>,
                scope<"a234567890b234567890", scope<"a234567890b234567890", conv2d<1>, batch_norm<>,
                                                    dense<1, name<"long">>, dense<1>>>>()
            .empty());
  CHECK(problem<input<1, 1, 1>, scope<"a234567890b234567890", scope<"a234567890b234567890", conv2d<1>,
                                                                    batch_norm<name<"number">>>>>() ==
        "the name 'a234567890b234567890.a234567890b234567890.numbe...' has 48 characters, at most 47 fit: "
        "choose a shorter one.");
}

TEST_CASE("what needs pixels cannot follow flatten", "[model]") {
  CHECK(problem<input<3, 2, 2>, flatten, global_average_pool>() ==
        "global_average_pool cannot follow flatten: put it before flatten, or use dense.");
  CHECK(problem<input<3, 2, 2>, flatten, local_response_norm<3>>() ==
        "local_response_norm cannot follow flatten: put it before flatten.");
}
