// SPDX-License-Identifier: MIT
// Prints the plans of a network by every policy for 2, 3 and 5 devices as C++: what `iop-plan --header` does
// for one plan, so that a test that compiles hundreds of executors does not plan while it compiles.
#include "../../examples/plan/plan_source.hpp"
#include "networks.hpp"

#include <iop/planner/policies.hpp>

#include <cstdio>
#include <string_view>

namespace {

constexpr std::size_t most_operators = 80;

template <std::size_t Ranks>
void print(iop::op_list ops) {
  const auto c = zoo_test::devices<Ranks>();
  fmt::print("template <>\ninline constexpr iop::plan<{}, {}> plans<{}>[] = {{\n", ops.size(), Ranks, Ranks);
  for (const iop::policy p : iop::all_policies) {
    const auto made = iop::planner::make_plan<most_operators>(ops, c, p, zoo_test::ends<Ranks>);
    fmt::print("    {},\n", what_if::initialiser_of(made, ops.size()));
  }
  fmt::print("}};\n\n");
}

template <class Network>
bool print_if(std::string_view name, std::string_view wanted) {
  if (name != wanted) return false;
  fmt::print(
      "// By the policies in their order.\ntemplate <std::size_t Ranks>\ninline constexpr int plans = "
      "0;\n\n");
  const iop::op_list ops = Network::spec.list();
  print<2>(ops);
  print<3>(ops);
  print<5>(ops);
  return true;
}

}  // namespace

int main(int count, char** arguments) {
  const std::string_view wanted = count == 2 ? arguments[1] : "";
  const bool is_known =
      print_if<zoo_test::lenet5>("lenet5", wanted) || print_if<zoo_test::alexnet>("alexnet", wanted) ||
      print_if<zoo_test::alexnet_lrn>("alexnet_lrn", wanted) || print_if<zoo_test::vgg11>("vgg11", wanted) ||
      print_if<zoo_test::vgg13>("vgg13", wanted) || print_if<zoo_test::vgg16>("vgg16", wanted) ||
      print_if<zoo_test::vgg19>("vgg19", wanted) || print_if<zoo_test::resnet18>("resnet18", wanted) ||
      print_if<zoo_test::resnet50>("resnet50", wanted) ||
      print_if<zoo_test::mobilenet_v1>("mobilenet_v1", wanted) ||
      print_if<zoo_test::mobilenet_v2>("mobilenet_v2", wanted) ||
      print_if<zoo_test::squeezenet1_1>("squeezenet1_1", wanted);
  if (!is_known) std::fputs("usage: iop_make_zoo_plans NETWORK\n", stderr);
  return is_known ? 0 : 2;
}
