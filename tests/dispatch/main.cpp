// SPDX-License-Identifier: MIT
// LeNet-5 on one device: the floats of a register, and the scores of a random image.
#include <iop/comm/alone.hpp>
#include <iop/iop.hpp>
#include <iop/kernel/simd.hpp>
#include <iop/zoo/lenet5.hpp>

#include <cstdio>

#include "support/random_weights.hpp"

using namespace iop::literals;

struct alone {
  using network = iop::zoo::lenet5;
  static constexpr iop::cluster cluster{iop::device{"board", 10_GFLOPs, 3_GBps, 1_MiB},
                                        iop::link{100_Mbitps, 2_ms}};
  static constexpr auto plan = iop::make_plan<network>(cluster, iop::policy::single_device);
};

int main(int argc, char** argv) {
  iop::comm::alone transport;
  static iop::executor<alone, 0> me{iop_test::random_weights{}, transport};
  const auto scores = me.run(iop_test::random_values(28 * 28, 1));
  if (!scores) return std::puts(scores.error().message.c_str()), 1;
  std::printf("lanes %zu\n", iop::kernel::simd::lanes);
  for (int i = 1; i < argc; ++i) std::printf("argument %s\n", argv[i]);
  for (const float score : *scores) std::printf("%.7g\n", static_cast<double>(score));
}
