// SPDX-License-Identifier: MIT
#include <iop/model/network.hpp>

#include <vector>

#include "catch.hpp"
#include "support/published_networks.hpp"

using namespace iop::model;
using iop::activation;
using iop::kind;

namespace {

struct named : network<input<3, 8, 8>, conv2d<4, kernel<3>>, conv2d<4, name<"features.3">, kernel<1>>,
                       conv2d<4>, flatten, dense<7, name<"classifier">>, dense<6>> {};
struct one_order
    : network<input<4, 9, 9>, conv2d<8, kernel<3>, stride<2>, pad<1>, groups<2>, no_bias, dilation<2>>> {};
struct other_order
    : network<input<4, 9, 9>, conv2d<8, dilation<2>, no_bias, groups<2>, pad<1>, kernel<3>, stride<2>>> {};
struct pooled
    : network<input<3, 7, 7>, max_pool<2>, max_pool<2, ceil_mode>, average_pool<2, exclude_padding>> {};
struct activated : network<input<3, 8, 8>, relu, conv2d<4, kernel<3>>, relu, relu, max_pool<2>, relu, flatten,
                           relu, dense<5>, relu, softmax> {};
struct many_features : network<input<6, 3, 5>, flatten, dense<4>> {};
struct already_flat : network<input<9, 1, 1>, dense<4>, dense<3, no_bias>> {};

template <class Network>
std::vector<kind> kinds() {
  std::vector<kind> all;
  for (const iop::op& o : Network::spec.list()) all.push_back(o.what);
  return all;
}

}  // namespace

TEST_CASE("LeNet's sizes are inferred", "[model]") {
  const auto ops = iop_test::lenet5::spec.list();
  REQUIRE(kinds<iop_test::lenet5>() == std::vector{kind::input, kind::conv2d, kind::max_pool, kind::conv2d,
                                                   kind::max_pool, kind::dense, kind::dense, kind::dense});
  const iop::shape expected[] = {{1, 28, 28}, {6, 28, 28}, {6, 14, 14}, {16, 10, 10},
                                 {16, 5, 5},  {120},       {84},        {10}};
  for (std::size_t i = 0; i < ops.size(); ++i) {
    INFO("operator " << i);
    CHECK(ops[i].out == expected[i]);
    if (i == 0) continue;
    CHECK(ops[i].in == expected[i - 1]);
    REQUIRE(ops[i].inputs.size() == 1);
    CHECK(ops[i].inputs[0] == i - 1);
  }
  CHECK(ops[1].act == activation::relu);
  CHECK(ops[6].act == activation::relu);
  CHECK(ops[7].act == activation::none);
}

TEST_CASE("options mean the same in any order", "[model]") {
  REQUIRE(one_order::spec.size() == other_order::spec.size());
  CHECK(one_order::spec.ops[1] == other_order::spec.ops[1]);
  CHECK(one_order::spec.ops[1].out == iop::shape{8, 4, 4});
  CHECK(one_order::spec.ops[1].groups == 2);
  CHECK_FALSE(one_order::spec.ops[1].bias);
}

TEST_CASE("weights are named by count, given names keep the count", "[model]") {
  const auto& names = named::spec.names;
  CHECK(names[1].view() == "conv1");
  CHECK(names[2].view() == "features.3");
  CHECK(names[3].view() == "conv3");
  CHECK(names[4].view() == "classifier");
  CHECK(names[5].view() == "fc2");
}

TEST_CASE("pooling: floor, ceil, and what the average divides by", "[model]") {
  const auto& ops = pooled::spec.ops;
  CHECK(ops[1].out == iop::shape{3, 3, 3});
  CHECK(ops[2].out == iop::shape{3, 2, 2});
  CHECK(ops[3].out == iop::shape{3, 1, 1});
  CHECK_FALSE(ops[3].count_padding);
  CHECK(ops[1].count_padding);
  CHECK_FALSE(ops[1].bias);
}

TEST_CASE("the first relu behind a weighted operator is part of it, any other stands alone", "[model]") {
  REQUIRE(kinds<activated>() == std::vector{kind::input, kind::elementwise, kind::conv2d, kind::elementwise,
                                            kind::max_pool, kind::elementwise, kind::elementwise, kind::dense,
                                            kind::softmax});
  const auto& ops = activated::spec.ops;
  CHECK(ops[2].act == activation::relu);
  CHECK(ops[3].act == activation::relu);
  CHECK(ops[4].act == activation::none);
  CHECK(ops[7].act == activation::relu);
  CHECK(ops[8].out == iop::shape{5});
}

TEST_CASE("a dense layer's window is its whole input, flatten is nothing by itself", "[model]") {
  REQUIRE(many_features::spec.size() == 2);
  const iop::op& o = many_features::spec.ops[1];
  CHECK(o.win.kernel_height == 3);
  CHECK(o.win.kernel_width == 5);
  CHECK(o.in == iop::shape{6, 3, 5});
  CHECK(o.out == iop::shape{4});
  CHECK(parameter_count(o) == 4 * 6 * 15 + 4);
}

TEST_CASE("what is flat already needs no flatten", "[model]") {
  REQUIRE(already_flat::spec.size() == 3);
  CHECK(parameter_count(already_flat::spec.list()) == 9 * 4 + 4 + 4 * 3);
}
