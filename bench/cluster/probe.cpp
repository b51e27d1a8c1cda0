// SPDX-License-Identifier: MIT
// How true the emulation is, measured from inside: two devices measure their link as iop-calibrate would, and
// how long computing takes that is slowed down. Speaks with bench/cluster/run.py as device.cpp does.

#include "slow_device.hpp"
#include "slow_link.hpp"

#include <calibrate/link_probe.hpp>
#include <lenet5/endpoints.hpp>

#include <iop/exec/compute.hpp>
#include <iop/kernel/conv2d.hpp>

#include <fmt/format.h>
#include <sys/prctl.h>
#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include <csignal>
#include <cstdio>
#include <iostream>
#include <stdexcept>
#include <string>
#include <vector>

namespace {

using namespace iop_cluster;
using failure = std::runtime_error;

struct options {
  std::string host = "127.0.0.1";
  std::size_t rank = 0;
  double factor = 10;
  double bandwidth = 0;
  double message_us = 0;
  double own_message_us = 0;
  bool is_kernel_shaped = false;
};

void check(const iop::error& reason) {
  if (reason) throw failure(std::string(reason.message.view()));
}

void connect(const options& o, iop::comm::tcp_mesh& mesh) {
  iop::comm::tcp_listener listener;
  check(listener.open({o.host, 0}));
  fmt::print("port {}\n", listener.port());
  std::fflush(stdout);
  std::string line;
  if (!std::getline(std::cin, line)) throw failure("nobody said where the other device is");
  check(mesh.connect(std::move(listener), o.rank, lenet5::parse_endpoints(line), {0, 0, 2, 0}));
}

/// Slowed computing as the wall clock sees it, over what it should be: computed × factor.
nlohmann::json stretch(double factor) {
  iop::kernel::windowed g;
  g.in = iop::kernel::compact(28, 28, 64);
  g.out = g.in;
  g.kernel_height = g.kernel_width = 3;
  g.top = g.left = -1;
  std::vector<float> in(g.in.height * g.in.width * 64, 1.0f), out(in.size());
  std::vector<float> weights(64 * 64 * 9 + 1024, 0.01f);
  nlohmann::json all = nlohmann::json::array();
  // Steps of LeNet-5 take microseconds, those of VGG milliseconds.
  for (const std::size_t steps : {1u, 4u, 16u}) {
    const iop::exec::step_event event{0, 0, iop::kind::conv2d, false};
    const auto compute = [&](auto& observer) {
      observer.start();
      for (std::size_t s = 0; s < steps; ++s) {
        observer.before(event);
        iop::kernel::conv2d(g, in.data(), weights.data(), nullptr, out.data());
        observer.after(event);
      }
    };
    rehearsal rehearsed;
    for (int i = 0; i < 9; ++i) compute(rehearsed);
    slow_device device(factor, rehearsed.costs());
    std::vector<double> ratios;
    for (int i = 0; i < 9; ++i) {
      const double start = now();
      compute(device);
      device.finish();
      const double took = now() - start;
      double wanted = 0;
      for (const recorded_step& each : device.steps()) wanted += each.computed * factor;
      ratios.push_back(took / wanted);
    }
    all.push_back({{"steps", steps}, {"taken_over_wanted", calibrate::median(ratios)}});
  }
  return all;
}

nlohmann::json run(const options& o) {
  iop::comm::tcp_mesh mesh;
  connect(o, mesh);
  slow_link link(mesh);
  link.become({o.message_us * 1e-6, o.own_message_us * 1e-6, o.bandwidth, o.is_kernel_shaped});
  std::vector<calibrate::timed_message> measured;
  calibrate::link_probe probe;
  check(probe.measure(link, measured, 2 << 20));
  if (o.rank != 0) return nlohmann::json::object();
  const auto model = calibrate::fit_link(measured);
  nlohmann::json messages = nlohmann::json::array();
  for (const auto& m : measured)
    messages.push_back({{"bytes", m.bytes}, {"seconds", m.seconds}, {"fitted", model.seconds(m.bytes)}});
  return {{"message_s", model.message_seconds},
          {"bytes_per_s", model.bytes_per_second},
          {"messages", messages},
          {"stretch", stretch(o.factor)}};
}

}  // namespace

int main(int argc, char** argv) {
  options o;
  CLI::App app("Measures an emulated link and an emulated device; bench/cluster/run.py starts it.");
  app.add_option("--rank", o.rank)->required();
  app.add_option("--host", o.host, "address of this device");
  app.add_option("--factor", o.factor, "times that a step takes longer than here");
  app.add_option("--bandwidth", o.bandwidth, "bytes per second of the link");
  app.add_option("--message-us", o.message_us, "that each message takes besides its bytes");
  app.add_option("--own-message-us", o.own_message_us, "what a message takes without slowing");
  app.add_flag("--kernel-shaped", o.is_kernel_shaped, "the kernel sees to the bytes");
  CLI11_PARSE(app, argc, argv);
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  prctl(PR_SET_TIMERSLACK, 1);
  try {
    fmt::print("result {}\n", run(o).dump());
    return 0;
  } catch (const std::exception& reason) {
    fmt::print(stderr, "{}\n", reason.what());
    return 1;
  }
}
