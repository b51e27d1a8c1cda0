// SPDX-License-Identifier: MIT
// What cutting costs the kernels: over the shards that `optimal` makes for equal devices, the time of each
// rank's computing beside its fair share of what one device takes. A step's fair share is its part of the
// operator's multiply-adds (of the outputs, for those without), halos that are computed twice included: those
// are the plan's choice, and this is about kernels. Steps run in the order of the program, so that caches
// hold what they would, but without exchanges; each counts with the least time of all rounds.

#include "calibrate/device_probe.hpp"
#include "shapes.hpp"
#include "support/probe.hpp"

#include <console/usage.hpp>

#include <iop/exec/interpreter.hpp>
#include <iop/file/huge_pages.hpp>
#include <iop/kernel/winograd.hpp>
#include <iop/planner/policies.hpp>

#include <fmt/core.h>
#include <CLI/CLI.hpp>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <limits>
#include <memory>

namespace iop_bench {

namespace {

constexpr std::size_t most_operators = 80;  // of the networks that are measured
constexpr double target = 1.08;

struct settings {
  std::vector<std::string> networks{};
  std::vector<std::size_t> devices{2, 3, 4};
  std::size_t rounds = 15;
  double memory = 1;
  bool every_step = false;
};

/// Floats.
std::size_t stored_weights(iop::op_list ops, const iop::deploy::compute_step& s) {
  const iop::kernel::windowed& g = s.geometry;
  if (!iop::is_weighted(ops[s.tensor])) return 0;
  return s.by_winograd ? iop::winograd_weight_count(g.out.channels, g.in.channels)
                       : iop::kernel::packed_size(g);
}

/// One rank's computing.
class shard {
 public:
  struct step {
    iop::deploy::compute_step compute{};
    std::vector<iop::deploy::operand> operands{};
    double seconds = std::numeric_limits<double>::infinity();
  };

  template <class Program>
  shard(const network& net, const Program& program)
      : ops_(net.ops), weights_(zeros(program.weight_floats)), arena_(zeros(program.arena_floats)) {
    for (const auto& s : program.steps)
      if (!s.is_exchange) steps_.push_back({s.compute, {s.operands.begin(), s.operands.end()}});
    std::uint32_t bits = 1;
    const auto fill = [&](std::span<float> floats, float scale) {
      for (float& each : floats) {
        bits = bits * 1664525u + 1013904223u;
        each = scale * static_cast<float>(static_cast<std::int32_t>(bits)) * 0x1p-31f;
      }
    };
    fill(arena_.all(), 1);
    for (const step& s : steps_) {  // activations neither grow nor vanish
      const iop::kernel::windowed& g = s.compute.geometry;
      const std::size_t packed = iop::kernel::packed_size(g);
      if (!iop::is_weighted(ops_[s.compute.tensor]) || packed == 0) continue;
      fill(weights_.all().subspan(s.compute.weights, stored_weights(ops_, s.compute)),
           1.5f / std::sqrt(static_cast<float>(packed / g.out.channels)));
    }
  }

  void run() {
    using clock = std::chrono::steady_clock;
    for (step& s : steps_) {
      const double busy = busy_seconds();
      const auto start = clock::now();
      iop::exec::compute(ops_[s.compute.tensor].what, s.compute, s.operands, arena_.all().data(),
                         weights_.all().data());
      // Time of running leaves out interruptions, but asking for it takes longer than short steps do.
      const double passed = std::chrono::duration<double>(clock::now() - start).count();
      s.seconds = std::min({s.seconds, passed, busy_seconds() - busy});
    }
  }

  std::span<const step> steps() const { return steps_; }

 private:
  static iop::file::huge_page_floats zeros(std::size_t count) {
    iop::file::huge_page_floats made(count);
    std::ranges::fill(made.all(), 0.0f);
    return made;
  }

  iop::op_list ops_{};
  iop::file::huge_page_floats weights_, arena_;
  std::vector<step> steps_{};
};

/// This core, as iop-calibrate sees it: whether rows, channels or Winograd's algorithm pay depends on the
/// proportions of its rates. Channels are cut in blocks of these kernels.
const iop::device& this_core() {
  static const iop::device measured = [] {
    iop::device d = calibrate::measure_device(4, false).device;
    d.channel_step = iop::kernel::block_channels;
    return d;
  }();
  return measured;
}

/// So many of this core, which are to their links what the design's examples are: 10 GFLOP/s to 100 Mbit/s
/// and 0.5 ms.
template <std::size_t Ranks>
iop::cluster<Ranks> equal_devices(std::size_t memory_bytes) {
  iop::device board = this_core();
  board.name = "board";
  board.memory = {memory_bytes};
  iop::cluster<Ranks> c;
  for (std::size_t r = 0; r < Ranks; ++r) c.devices.push_back(board);
  const double faster = board.compute.flops_per_second / 10e9;
  c.connect_all({{12.5e6 * faster}, {0.5e-3 / faster}, false});
  return c;
}

/// Programs of all ranks, each with `memory` times what one alone needs.
template <std::size_t Ranks>
std::vector<shard> make_shards(const network& net, double memory) {
  constexpr std::size_t plenty = std::size_t{8} << 30;
  const auto alone =
      iop::planner::make_plan<most_operators>(net.ops, equal_devices<1>(plenty), iop::policy::single_device);
  const auto bytes = static_cast<double>(iop::planner::footprint_of(net.ops, alone, 0).bytes());
  const auto made = [&] {
    if constexpr (Ranks == 1) {
      return alone;
    } else {
      return iop::planner::make_plan<most_operators>(
          net.ops, equal_devices<Ranks>(static_cast<std::size_t>(memory * bytes)), iop::policy::optimal);
    }
  }();
  std::vector<shard> all;
  for (std::size_t r = 0; r < Ranks; ++r) {
    const auto program = std::make_unique<iop::deploy::program<most_operators, Ranks>>(
        iop::deploy::program_builder<most_operators, Ranks>(net.ops, made, r).build());
    all.emplace_back(net, *program);
  }
  return all;
}

/// Multiply-adds that hit the input, or outputs.
double work_of(iop::op_list ops, const iop::deploy::compute_step& s) {
  const iop::kernel::windowed& g = s.geometry;
  if (!iop::deploy::has_window(ops[s.tensor]))
    return static_cast<double>(g.out.height * g.out.width * g.out.channels);
  return useful_flops(g, iop::is_weighted(ops[s.tensor]));
}

std::string shape_text(const shard::step& s, const iop::op& o) {
  const iop::kernel::windowed& g = s.compute.geometry;
  const std::string in = iop::deploy::has_window(o)
                             ? fmt::format("{}x{}x{} > ", g.in.channels, g.in.height, g.in.width)
                             : std::string();
  return fmt::format("{} {}{}x{}x{}{}", iop::name_of(o.what), in, g.out.channels, g.out.height, g.out.width,
                     s.compute.by_winograd ? ", Winograd" : "");
}

/// Measures and prints one line.
void report(const network& net, std::size_t devices, std::vector<shard> shards, shard& single,
            double bandwidth, const settings& s) {
  std::erase_if(shards, [](const shard& each) { return each.steps().empty(); });
  for (std::size_t round = 0; round < s.rounds; ++round) {
    single.run();
    for (shard& each : shards) each.run();
  }
  double alone = 0, slowest = 0, of_fair = 0, of_bound = 0, worst = 0;
  for (const auto& step : single.steps()) alone += step.seconds;
  struct excess {
    double seconds, ratio;
    std::string what;
  };
  std::vector<excess> steps;
  for (const shard& each : shards) {
    double taken = 0, fair = 0, bound = 0;
    for (const auto& step : each.steps()) {
      const auto whole = std::ranges::find(single.steps(), step.compute.tensor,
                                           [](const shard::step& one) { return one.compute.tensor; });
      const double part = work_of(net.ops, step.compute) / work_of(net.ops, whole->compute);
      const double share = part * whole->seconds;
      taken += step.seconds;
      fair += share;
      bound += std::max(
          share, static_cast<double>(stored_weights(net.ops, step.compute) * sizeof(float)) / bandwidth);
      steps.push_back(
          {step.seconds - share, step.seconds / share,
           fmt::format("{:.1f}% of {}: {}", 100 * part, shape_text(*whole, net.ops[step.compute.tensor]),
                       shape_text(step, net.ops[step.compute.tensor]))});
    }
    worst = std::max(worst, taken / fair);
    if (taken > slowest) slowest = taken, of_fair = taken / fair, of_bound = taken / bound;
  }
  fmt::print("{:<13} {:>7} {:>5} {:>10.4f} {:>10.4f} {:>8.3f} {:>8.3f} {:>8.3f}  {}\n", net.name, devices,
             shards.size(), alone * 1e3, slowest * 1e3, of_fair, of_bound, worst,
             of_fair <= target ? "held" : "missed");
  std::ranges::sort(steps, std::greater{}, &excess::seconds);
  for (std::size_t i = 0; i < std::min<std::size_t>(steps.size(), s.every_step ? steps.size() : 3); ++i)
    if (s.every_step || (of_fair > target && steps[i].ratio > target))
      fmt::print("    {:>8.4f} ms over, {:.3f} of fair: {}\n", steps[i].seconds * 1e3, steps[i].ratio,
                 steps[i].what);
  std::fflush(stdout);
}

void measure(const settings& s) {
  fmt::print(
      "shards of policy optimal on equal devices, each with {} of the memory that one alone needs; least of "
      "{} "
      "rounds\n"
      "of fair: the slowest rank's time over its fair share of the single device's (target {})\n"
      "of bound: the same, but a step's share is at least what reading its weights from memory takes: rows "
      "do "
      "not cut those\n"
      "worst: the largest of fair of any rank\n\n"
      "{:<13} {:>7} {:>5} {:>10} {:>10} {:>8} {:>8} {:>8}\n",
      s.memory, s.rounds, target, "network", "devices", "used", "single ms", "slowest ms", "of fair",
      "of bound", "worst");
  const read_probe memory;
  for (const std::string& name : s.networks) {
    const network& net = find_network(name);
    std::vector<shard> single = make_shards<1>(net, 1);
    for (const std::size_t devices : s.devices) {
      auto shards = devices == 2   ? make_shards<2>(net, s.memory)
                    : devices == 3 ? make_shards<3>(net, s.memory)
                                   : make_shards<4>(net, s.memory);
      report(net, devices, std::move(shards), single.front(), memory.measure(), s);
    }
  }
}

}  // namespace

}  // namespace iop_bench

int main(int argc, char** argv) {
  iop_bench::settings s;
  for (const iop_bench::network& n : iop_bench::networks()) s.networks.emplace_back(n.name);
  CLI::App app("Times the shards of plans beside the single device.", "script/bench kernels --shards");
  app.add_option("--networks", s.networks, "comma-separated; default: all")
      ->delimiter(',')
      ->check(CLI::IsMember(s.networks));
  app.add_option("--devices", s.devices, "comma-separated; default: 2,3,4")
      ->delimiter(',')
      ->transform(console::number_in<std::size_t>(2, 4));
  console::add_number(app, "--rounds", s.rounds, 1, 1'000'000, "default: 15");
  console::add_number(app, "--memory", s.memory, 0.001, 1000,
                      "of each device, as a share of what one alone needs; default: 1");
  app.add_flag("--every-step", s.every_step, "print all steps, not only the worst of what is missed");
  return console::run(app, argc, argv, [&] {
    iop_bench::measure(s);
    return 0;
  });
}
