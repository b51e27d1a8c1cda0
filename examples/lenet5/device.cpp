// SPDX-License-Identifier: MIT
// One device of the porch: it runs what is compiled for its rank (rank.cpp) and meets the others over TCP;
// rank 0 takes the images and gets the classes.
//
// On devices of your own, with the same list of peers everywhere:
//   lenet5-device-2-0 --policy interleaved --peers pi1:4711,pi2:4711 --count 100 --images
//   t10k-images-idx3-ubyte.gz lenet5-device-2-1 --policy interleaved --peers pi1:4711,pi2:4711 --count 100
// Lines on stdout: `progress K` and at last `result {…}`. What went wrong is a sentence on stderr, exit
// status 1.

#include "deployments.hpp"
#include "endpoints.hpp"
#include "rank.hpp"

#include <console/usage.hpp>

#include <iop/comm/tcp.hpp>
#include <iop/file/idx.hpp>
#include <iop/file/safetensors.hpp>

#include <fmt/format.h>
#include <sys/prctl.h>
#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <csignal>
#include <cstdio>
#include <fstream>
#include <iostream>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace {

using clock = std::chrono::steady_clock;
using lenet5::device_count, lenet5::own_rank;

struct options {
  iop::policy policy = iop::policy::interleaved;
  std::string weights = IOP_SOURCE_DIR "/examples/lenet5/weights/fashion-mnist.safetensors";
  std::string images = "/usr/share/datasets/fashion-mnist/t10k-images-idx3-ubyte.gz";
  std::string labels{};
  std::size_t count = 10'000;
  std::size_t time_out_ms = 10'000;
  std::string listen{};
  std::string peers{};
  bool launched = false;
};

using failure = std::runtime_error;

void check(const iop::error& reason) {
  if (reason) throw failure(std::string(reason.message.view()));
}

template <class Value>
Value take(iop::result<Value> got) {
  check(got.error());
  return std::move(*got);
}

/// What only rank 0 has: the images, and in the end their classes and how long each took.
struct camera {
  iop::file::idx_images images{};
  iop::file::idx_labels labels{};
  std::vector<float> pixels{};
  std::string classes{};
  std::vector<double> latencies_ms{};

  explicit camera(const options& o) {
    images = take(iop::file::read_idx_images(o.images));
    const auto needed = lenet5::lenet5::spec.ops[0].out;
    if (images.height != needed.height || images.width != needed.width)
      throw failure(fmt::format("'{}' has images of {} x {} pixels, the network needs {} x {}", o.images,
                                images.height, images.width, needed.height, needed.width));
    if (!o.labels.empty()) labels = take(iop::file::read_idx_labels(o.labels));
    const std::size_t there = labels.empty() ? images.count : std::min(images.count, labels.size());
    if (there < o.count)
      throw failure(fmt::format("'{}' has {} images, wanted are {}", o.images, there, o.count));
    pixels.resize(needed.size());
    classes.reserve(o.count);
    latencies_ms.reserve(o.count);
  }

  void run(lenet5::rank_program& program, std::size_t count) {
    auto last_told = clock::now();
    for (std::size_t i = 0; i < count; ++i) {
      std::ranges::transform(images[i], pixels.begin(), [](auto x) { return static_cast<float>(x) / 255; });
      const auto start = clock::now();
      const auto scores = take(program.run(pixels));
      const auto end = clock::now();
      latencies_ms.push_back(std::chrono::duration<double, std::milli>(end - start).count());
      const auto odd = std::ranges::find_if_not(scores, [](float s) { return std::isfinite(s); });
      if (odd != scores.end())
        throw failure(fmt::format("image {} of {}: the score of class {} is {}; check the weights", i + 1,
                                  count, odd - scores.begin(), *odd));
      classes += static_cast<char>('0' + (std::ranges::max_element(scores) - scores.begin()));
      if (end - last_told < std::chrono::milliseconds(100)) continue;
      last_told = end;
      fmt::print("progress {}\n", i + 1);
      std::fflush(stdout);
    }
  }

  void report(nlohmann::json& result) const {
    std::vector<double> sorted = latencies_ms;
    std::ranges::sort(sorted);
    result["classes"] = classes;
    result["latency_p50_ms"] = sorted[(sorted.size() - 1) / 2];
    result["latency_p99_ms"] = sorted[(sorted.size() - 1) * 99 / 100];
    if (labels.empty()) return;
    std::size_t right = 0;
    for (std::size_t i = 0; i < classes.size(); ++i) right += classes[i] - '0' == labels[i];
    result["right"] = right;
  }
};

/// The most memory that this process ever had resident, from Linux.
std::size_t peak_resident_bytes() {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);)
    if (line.starts_with("VmHWM:")) return std::stoul(line.substr(6)) * 1024;
  return 0;
}

/// Waits for the launcher's line with the endpoints of all ranks.
std::string hear_peers() {
  std::string line;
  if (!std::getline(std::cin, line)) throw failure("the launcher has gone without naming the peers");
  return line;
}

void run(const options& o) {
  std::optional<camera> images;
  if (own_rank == 0) images.emplace(o);
  auto weights = std::make_optional(take(iop::file::safetensors::open(o.weights)));

  iop::comm::tcp_listener listener;
  std::vector<iop::comm::endpoint> peers;
  if (o.launched) {
    check(listener.open({"127.0.0.1", 0}));
    fmt::print("port {}\n", listener.port());
    std::fflush(stdout);
    peers = lenet5::parse_endpoints(hear_peers());
  } else {
    peers = lenet5::parse_endpoints(o.peers);
    check(listener.open(o.listen.empty() ? peers.at(own_rank) : lenet5::parse_endpoint(o.listen)));
  }

  lenet5::rank_program& program = lenet5::rank_under(o.policy);
  const std::chrono::milliseconds time_out(o.time_out_ms);
  iop::comm::tcp_mesh mesh;
  iop::comm::identity identity = program.identity();
  identity.weights_digest = weights->digest();
  check(mesh.connect(std::move(listener), own_rank, peers, identity, {time_out, time_out}));
  check(program.load(*weights, mesh));
  weights.reset();  // its slices are in the executor now

  if (images) {
    images->run(program, o.count);
  } else {
    for (std::size_t i = 0; i < o.count; ++i) check(program.run({}).error());
  }

  nlohmann::json result = {{"weight_bytes", program.weight_bytes()},
                           {"arena_bytes", program.arena_bytes()},
                           {"peak_resident_bytes", peak_resident_bytes()},
                           {"messages_sent", mesh.counters().messages_sent},
                           {"bytes_sent", mesh.counters().bytes_sent}};
  if (images) images->report(result);
  fmt::print("result {}\n", result.dump());
}

std::string usage_problem(const options& o) {
  if (o.launched)
    return o.peers.empty() && o.listen.empty() ? "" : "--launched goes with neither --peers nor --listen";
  if (o.peers.empty()) return "--peers is required";
  try {
    const auto peers = lenet5::parse_endpoints(o.peers);
    if (peers.size() != device_count)
      return fmt::format("--peers names {} devices, needed are {}", peers.size(), device_count);
    if (!o.listen.empty()) lenet5::parse_endpoint(o.listen);
  } catch (const std::exception& reason) {
    return reason.what();
  }
  return {};
}

}  // namespace

int main(int argc, char** argv) {
  options o;
  CLI::App app(fmt::format("Rank {} of LeNet-5 on {} devices.", own_rank, device_count));
  std::string policy;
  std::vector<std::string> names;
  for (const iop::policy each : lenet5::policies) names.emplace_back(iop::name_of(each));
  app.add_option("--policy", policy, "who computes what: the same for all ranks")
      ->check(CLI::IsMember(names))
      ->required();
  console::add_words(app, "--weights", o.weights, "safetensors file");
  console::add_words(app, "--images", o.images, "IDX file, plain or packed; rank 0 reads it");
  console::add_words(app, "--labels", o.labels, "IDX file; with it rank 0 counts its right answers");
  console::add_number(app, "--count", o.count, 1, 1'000'000, "images to classify: the same for all ranks");
  console::add_number(app, "--time-out", o.time_out_ms, 1, 3'600'000, "milliseconds to wait for a peer");
  console::add_words(app, "--listen", o.listen,
                     "HOST:PORT to listen on instead of this rank's among the peers");
  console::add_words(app, "--peers", o.peers, "HOST:PORT,HOST:PORT,… of all ranks in order");
  app.add_flag("--launched", o.launched, "choose a port, print it, and read the peers from stdin");
  app.callback([&] {
    if (const std::string problem = usage_problem(o); !problem.empty()) throw CLI::ValidationError(problem);
  });
  return console::run(app, argc, argv, [&] {
    for (const iop::policy each : lenet5::policies)
      if (iop::name_of(each) == policy) o.policy = each;
    if (o.launched) prctl(PR_SET_PDEATHSIG, SIGKILL);  // a launcher that died before has closed our stdin
    run(o);
    return 0;
  });
}
