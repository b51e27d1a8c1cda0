// SPDX-License-Identifier: MIT
// What this core allows one network at most. Every operator takes its multiply-adds at the peak or the
// reading of its weights, whichever is longer; activations and weights that the second-level cache holds are
// free. Answers each line of standard input with four numbers of this moment: the seconds of an inference in
// the direct form, and with Winograd's F(4×4, 3×3) where that is shorter, whose weights might be transformed
// as they are read; the FLOP/s of this core's registers; and the bytes/s that it reads.

#include "support/probe.hpp"
#include "support/zoo.hpp"

#include <fmt/core.h>
#include <iop/planner/cost.hpp>
#include <iop/spec/cache.hpp>

#include <algorithm>
#include <cstdio>
#include <exception>
#include <iostream>
#include <stdexcept>
#include <string>

namespace iop_bench {

namespace {

double seconds(const network& net, bool by_winograd, double flops, double bandwidth) {
  double bytes = 0;
  for (const iop::op& o : net.ops) bytes += static_cast<double>(iop::parameter_count(o) * sizeof(float));
  const bool is_read = bytes > static_cast<double>(iop::second_level_cache);
  const iop::device careful{.skips_padding = true};
  double all = 0;
  for (const iop::op& o : net.ops) {
    double products = iop::planner::work_of(careful, o, whole(o.in), whole(o.out)).flops / 2;
    if (by_winograd && iop::has_winograd(o))
      products = std::min(products, static_cast<double>(iop::winograd_multiply_adds(
                                        o.out.height, o.out.width, o.in.channels, o.out.channels)));
    const double reading =
        is_read ? static_cast<double>(iop::parameter_count(o) * sizeof(float)) / bandwidth : 0;
    all += std::max(2 * products / flops, reading);
  }
  return all;
}

}  // namespace

}  // namespace iop_bench

int main(int argc, char** argv) {
  try {
    if (argc != 2) throw std::runtime_error("usage: bench_networks_roofline NETWORK");
    const iop_bench::network& net = iop_bench::find_network(argv[1]);
    const iop_bench::read_probe reading;
    for (std::string line; std::getline(std::cin, line);) {
      const double flops = iop_bench::measure_peak_flops(), bandwidth = reading.measure();
      fmt::print("{:.9g} {:.9g} {:.9g} {:.9g}\n", iop_bench::seconds(net, false, flops, bandwidth),
                 iop_bench::seconds(net, true, flops, bandwidth), flops, bandwidth);
      std::fflush(stdout);
    }
  } catch (const std::exception& e) {
    fmt::print(stderr, "{}\n", e.what());
    return 1;
  }
}
