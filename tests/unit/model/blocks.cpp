// SPDX-License-Identifier: MIT
#include <iop/model/network.hpp>

#include <vector>

#include "catch.hpp"

using namespace iop::model;
using iop::activation;
using iop::kind;
using inputs = std::vector<std::size_t>;

namespace {

struct identity_skip : network<input<8, 6, 6>, conv2d<8, kernel<1>>, relu,
                               residual<conv2d<8, kernel<3>, pad<1>, no_bias>, batch_norm<>, relu,
                                        conv2d<8, kernel<3>, pad<1>, no_bias>, batch_norm<>>,
                               relu, relu, flatten, dense<3>> {};
struct projected : network<input<4, 8, 8>,
                           residual<conv2d<6, kernel<3>, pad<1>, stride<2>, name<"main">>,
                                    project<conv2d<6, kernel<1>, stride<2>, name<"skip">>, batch_norm<>>>,
                           hard_swish> {};
struct inception : network<input<5, 9, 7>,
                           concat<branch<conv2d<3, kernel<1>>, relu>, branch<>,
                                  branch<max_pool<3, stride<1>, pad<1>>, conv2d<2, kernel<1>>, relu>>,
                           relu, global_average_pool> {};
// residual within concat within residual
struct nested
    : network<input<4, 5, 5>, residual<concat<branch<residual<relu, conv2d<4, kernel<3>, pad<1>>>, relu>,
                                              branch<conv2d<6, kernel<1>>>>,
                                       conv2d<4, kernel<1>>>> {};
struct scoped
    : network<input<3, 4, 4>, conv2d<4>,
              scope<"layer1",
                    scope<"0", residual<project<scope<"downsample", conv2d<6, name<"0">>, batch_norm<>>>,
                                        conv2d<6>, batch_norm<>, conv2d<6>>>,
                    chain<conv2d<2>>>,
              conv2d<4>> {};

template <class Network>
inputs read_by(std::size_t i) {
  const auto& all = Network::spec.ops[i].inputs;
  return {all.begin(), all.end()};
}

template <class Network>
std::vector<kind> kinds() {
  std::vector<kind> all;
  for (const iop::op& o : Network::spec.list()) all.push_back(o.what);
  return all;
}

}  // namespace

TEST_CASE("residual: main path, then the addition, which takes the relu behind it", "[model]") {
  REQUIRE(kinds<identity_skip>() == std::vector{kind::input, kind::conv2d, kind::conv2d, kind::conv2d,
                                                kind::add, kind::elementwise, kind::dense});
  CHECK(read_by<identity_skip>(2) == inputs{1});
  CHECK(read_by<identity_skip>(4) == inputs{3, 1});
  const auto& ops = identity_skip::spec.ops;
  CHECK(ops[3].act == activation::none);
  CHECK(ops[4].act == activation::relu);
  CHECK(ops[4].in == iop::shape{8, 6, 6});
  CHECK(ops[4].out == iop::shape{8, 6, 6});
}

TEST_CASE("residual: the projection comes first, wherever it stands", "[model]") {
  REQUIRE(kinds<projected>() == std::vector{kind::input, kind::conv2d, kind::conv2d, kind::add});
  CHECK(projected::spec.names[1].view() == "skip");
  CHECK(projected::spec.names[2].view() == "main");
  CHECK(projected::spec.ops[1].norm);
  CHECK_FALSE(projected::spec.ops[2].norm);
  CHECK(read_by<projected>(1) == inputs{0});
  CHECK(read_by<projected>(2) == inputs{0});
  CHECK(read_by<projected>(3) == inputs{2, 1});
  CHECK(projected::spec.ops[3].act == activation::hard_swish);
}

TEST_CASE("concat: branches in order, an empty one is the input itself", "[model]") {
  REQUIRE(kinds<inception>() == std::vector{kind::input, kind::conv2d, kind::max_pool, kind::conv2d,
                                            kind::concat, kind::elementwise, kind::average_pool});
  CHECK(read_by<inception>(1) == inputs{0});
  CHECK(read_by<inception>(2) == inputs{0});
  CHECK(read_by<inception>(4) == inputs{1, 0, 3});
  const auto& joined = inception::spec.ops[4];
  CHECK(joined.in == iop::shape{3, 9, 7});
  CHECK(joined.out == iop::shape{10, 9, 7});
  REQUIRE(joined.parts.size() == 3);
  CHECK(joined.parts[0] == iop::range{0, 3});
  CHECK(joined.parts[1] == iop::range{3, 8});
  CHECK(joined.parts[2] == iop::range{8, 10});
  CHECK(joined.act == activation::none);
  CHECK(inception::spec.ops[6].out == iop::shape{10});
}

TEST_CASE("blocks nest, and nothing fuses into an operator that another path reads", "[model]") {
  REQUIRE(kinds<nested>() == std::vector{kind::input, kind::elementwise, kind::conv2d, kind::add,
                                         kind::conv2d, kind::concat, kind::conv2d, kind::add});
  CHECK(read_by<nested>(3) == inputs{2, 0});
  CHECK(nested::spec.ops[3].act == activation::relu);
  CHECK(read_by<nested>(4) == inputs{0});
  CHECK(read_by<nested>(5) == inputs{3, 4});
  CHECK(read_by<nested>(7) == inputs{6, 0});

  struct relu_first : network<input<2, 3, 3>, conv2d<2>, residual<relu, conv2d<2>>> {};
  REQUIRE(kinds<relu_first>() ==
          std::vector{kind::input, kind::conv2d, kind::elementwise, kind::conv2d, kind::add});
  CHECK(relu_first::spec.ops[1].act == activation::none);
}

TEST_CASE("a scope names and numbers what is in it", "[model]") {
  const auto& s = scoped::spec;
  CHECK(s.names[1].view() == "conv1");
  CHECK(s.names[2].view() == "layer1.0.downsample.0");
  CHECK(s.norm_names[2].view() == "layer1.0.downsample.bn1");
  CHECK(s.names[3].view() == "layer1.0.conv1");
  CHECK(s.norm_names[3].view() == "layer1.0.bn1");
  CHECK(s.names[4].view() == "layer1.0.conv2");
  CHECK(s.norm_names[4].empty());
  CHECK(s.names[6].view() == "layer1.conv1");
  CHECK(s.names[7].view() == "conv2");
}
