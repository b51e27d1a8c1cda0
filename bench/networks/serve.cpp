// SPDX-License-Identifier: MIT
// Loads an engine, prints one line of JSON with its scores, and then answers requests on standard input, so
// that a driver can let several engines run in turn. A request is a number n; the answer is for how many
// seconds this process was running for n inferences. The end of the input is answered by the peak of the
// resident memory. Exit codes: 1 an error, 2 wrong usage, 3 this engine cannot do this network here.

#include "engine.hpp"

#include "support/probe.hpp"
#include "support/random_weights.hpp"

#include <fmt/core.h>
#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include <cstdio>
#include <exception>
#include <fstream>
#include <iostream>

namespace iop_bench {

std::vector<float> to_hwc(std::span<const float> chw, const iop::shape& shape) {
  std::vector<float> hwc(chw.size());
  const std::size_t area = shape.height * shape.width;
  for (std::size_t c = 0; c < shape.channels; ++c)
    for (std::size_t p = 0; p < area; ++p) hwc[p * shape.channels + c] = chw[c * area + p];
  return hwc;
}

namespace {

/// Of this program since it was started: getrusage would count what its parent had before.
std::size_t peak_resident_bytes() {
  std::ifstream status("/proc/self/status");
  for (std::string word; status >> word;)
    if (std::size_t kib = 0; word == "VmHWM:" && status >> kib) return kib * 1024;
  throw std::runtime_error("no peak of the resident memory in /proc/self/status");
}

void say(const std::string& line) {
  fmt::print("{}\n", line);
  std::fflush(stdout);
}

void serve(const setup& s) {
  const std::unique_ptr<engine> e = make_engine(s);
  const auto scores = e->run();
  say(nlohmann::json{{"scores", std::vector<float>(scores.begin(), scores.end())},
                     {"stated_bytes", e->stated_bytes()}}
          .dump());
  for (std::size_t count = 0; std::cin >> count;) {
    const double start = busy_seconds();
    for (std::size_t i = 0; i < count; ++i) e->run();
    say(fmt::format("{:.9g}", busy_seconds() - start));
  }
  say(fmt::format("{}", peak_resident_bytes()));
}

}  // namespace

}  // namespace iop_bench

int main(int argc, char** argv) {
  iop_bench::setup s;
  std::string name;
  CLI::App app("Runs one network on one engine as often as standard input says.");
  app.add_option("network", name)->required();
  app.add_option("--weights", s.weights, "the weights, as safetensors");
  app.add_option("--model", s.model, "the network with its weights, as ONNX");
  app.add_option("--library", s.library, "the engine's shared library");
  app.add_option("--variant", s.variant, "which of the engine's ways");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& e) {
    return app.exit(e) == 0 ? 0 : 2;
  }
  try {
    s.net = iop_bench::find_network(name);
    s.image = iop_test::random_values(s.net.ops[0].out.size(), 1);
    iop_bench::serve(s);
  } catch (const iop_bench::unsupported& e) {
    fmt::print(stderr, "{}\n", e.what());
    return 3;
  } catch (const std::exception& e) {
    fmt::print(stderr, "{}\n", e.what());
    return 1;
  }
}
