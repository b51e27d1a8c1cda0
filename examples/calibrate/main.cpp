// SPDX-License-Identifier: MIT
// Measures the board that it runs on, or, started on two boards, the link between them, and prints what the
// cost model needs: a profile for iop-plan as JSON and for a deployment as C++. How well the model describes
// what was measured is shown beside it.
//
//   iop-calibrate --name camera --memory 256MiB --json camera.json       --small: for a network like LeNet-5
//   iop-calibrate --link 0 --peers camera:4711,hub:4711      on the camera
//   iop-calibrate --link 1 --peers camera:4711,hub:4711      on the hub
//
// Exit status: 0; 1 when a peer is not there or a file cannot be written (a sentence on stderr says which); 2
// for wrong usage.

#include "device_probe.hpp"
#include "fit.hpp"
#include "link_probe.hpp"

#include <lenet5/endpoints.hpp>
#include <plan/units.hpp>

#include <iop/comm/tcp.hpp>

#include <fmt/format.h>
#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include <cstdio>
#include <fstream>
#include <stdexcept>
#include <string>
#include <vector>

namespace {

using namespace calibrate;
using json = nlohmann::ordered_json;

struct options {
  std::string name = "board";
  iop::byte_count memory{std::size_t{1} << 30};
  double seconds = 5;
  bool is_small = false;
  std::size_t time_out_ms = 30'000;
  int link_rank = -1;
  std::string peers{};
  std::string json{};
  std::string header{};
};

void check(const iop::error& reason) {
  if (reason) throw std::runtime_error(std::string(reason.message.view()));
}

void write(const std::string& path, const std::string& content) {
  if (path.empty()) return;
  if (path == "-") return fmt::print("{}", content);
  std::ofstream file(path);
  file << content;
  if (!file.flush()) throw std::runtime_error(fmt::format("cannot write '{}'", path));
}

/// Where the table goes: stdout belongs to JSON or a header that is asked for there.
std::FILE* table_of(const options& o) { return o.json == "-" || o.header == "-" ? stderr : stdout; }

/// Three digits are more than such measurements repeat.
double rounded(double value) { return std::stod(fmt::format("{:.3g}", value)); }

std::string to_header(const std::string& what, const std::string& name, const std::string& initialiser) {
  return fmt::format(
      "// Measured by iop-calibrate.\n#pragma once\n\n#include <iop/spec/cluster.hpp>\n\n"
      "inline constexpr iop::{} {}{};\n",
      what, name, initialiser);
}

void measure_board(const options& o) {
  const device_model model = measure_device(o.seconds, o.is_small);
  std::FILE* table = table_of(o);
  fmt::print(table, "{:<58}{:>12}{:>11}{:>11}{:>9}\n", "operator", "measured ms", "GFLOP/s", "GB/s", "model");
  for (const timed_operator& each : model.operators)
    fmt::print(table, "{:<58}{:>12.3f}{:>11.2f}{:>11.2f}{:>+8.0f}%\n", each.what, each.seconds * 1e3,
               each.flops / each.seconds / 1e9, each.bytes / each.seconds / 1e9,
               100 * (model.seconds(each) / each.seconds - 1));
  const iop::device& d = model.device;
  const json made = {{"name", o.name},
                     {"flops", rounded(d.compute.flops_per_second)},
                     {"memory_bandwidth", rounded(d.memory_bandwidth.bytes_per_second)},
                     {"memory", o.memory.bytes},
                     {"channel_step", d.channel_step},
                     {"winograd_flops", rounded(d.winograd.flops_per_second)},
                     {"depthwise_flops", rounded(d.depthwise.flops_per_second)},
                     {"narrow_flops", rounded(d.narrow.flops_per_second)}};
  fmt::print(table, "\n{}\n", made.dump());
  write(o.json, made.dump(1) + "\n");
  write(o.header, to_header("device", o.name,
                            fmt::format("{{\"{}\", {{{}}}, {{{}}}, {{{}}}, {}, {{{}}}, {{{}}}, {{{}}}}}",
                                        o.name, made["flops"].dump(), made["memory_bandwidth"].dump(),
                                        o.memory.bytes, d.channel_step, made["winograd_flops"].dump(),
                                        made["depthwise_flops"].dump(), made["narrow_flops"].dump())));
}

void measure_link(const options& o) {
  const auto peers = lenet5::parse_endpoints(o.peers);
  const auto rank = static_cast<std::size_t>(o.link_rank);
  iop::comm::tcp_listener listener;
  check(listener.open({"", peers[rank].port}));
  iop::comm::tcp_options limits;
  limits.connect_time_out = limits.exchange_time_out = std::chrono::milliseconds(o.time_out_ms);
  iop::comm::tcp_mesh mesh;
  check(mesh.connect(std::move(listener), rank, peers, {0, 0, 2, 0}, limits));
  std::vector<timed_message> measured;
  link_probe probe;
  check(probe.measure(mesh, measured));
  if (rank != 0) return;

  const link_model model = fit_link(measured);
  std::FILE* table = table_of(o);
  fmt::print(table, "{:>12}{:>14}{:>9}\n", "bytes", "measured ms", "model");
  for (const timed_message& m : measured)
    fmt::print(table, "{:>12.0f}{:>14.4f}{:>+8.0f}%\n", m.bytes, m.seconds * 1e3,
               100 * (model.seconds(m.bytes) / m.seconds - 1));
  const json made = {{"bandwidth", rounded(model.bytes_per_second)},
                     {"message_time", rounded(model.message_seconds)},
                     {"shared_medium", false}};
  fmt::print(table, "\n{}\n", made.dump());
  write(o.json, made.dump(1) + "\n");
  write(o.header, to_header("link", o.name,
                            fmt::format("{{{{{}}}, {{{}}}, false}}", made["bandwidth"].dump(),
                                        made["message_time"].dump())));
}

}  // namespace

int main(int argc, char** argv) {
  options o;
  CLI::App app("Measures this board, or the link between two boards, for the planner.");
  app.add_option("--name", o.name, "what the header calls it: letters, digits, _")
      ->check([](const std::string& words) {
        const bool is_name = !words.empty() &&
                             words.find_first_not_of(
                                 "abcdefghijklmnopqrstuvwxyz"
                                 "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                 "0123456789_") == words.npos &&
                             (words[0] < '0' || words[0] > '9');
        return is_name ? std::string() : "'" + words + "' is not a name for C++";
      })
      ->capture_default_str();
  app.add_option_function<std::string>(
         "--memory",
         [&](const std::string& written) {
           try {
             o.memory = what_if::parse_byte_count(written);
           } catch (const std::invalid_argument& reason) {
             throw CLI::ValidationError("--memory", reason.what());
           }
         },
         "for weights and activations together [1GiB]")
      ->type_name("QUANTITY");
  app.add_option("--seconds", o.seconds, "measure for about so long")->check(CLI::Range(0.0, 3600.0));
  app.add_flag("--small", o.is_small,
               "the rates of a small network, whose weights stay in a cache between inferences");
  auto* link =
      app.add_option("--link", o.link_rank, "measure the link: 0 on the board that reports, 1 on the other")
          ->check(CLI::Range(0, 1));
  app.add_option("--peers", o.peers, "HOST:PORT,HOST:PORT of the two boards")
      ->needs(link)
      ->check([](const std::string& words) -> std::string {
        try {
          return lenet5::parse_endpoints(words).size() == 2 ? "" : "must name two boards";
        } catch (const std::invalid_argument& reason) {
          return reason.what();
        }
      });
  app.add_option("--time-out", o.time_out_ms, "milliseconds to wait for the other board");
  app.add_option("--json", o.json,
                 "write the profile to this file; - is stdout, the table goes to stderr then");
  app.add_option("--header", o.header, "write the profile as C++ to this file");
  try {
    app.parse(argc, argv);
    if (o.link_rank >= 0 && o.peers.empty()) throw CLI::RequiredError("--peers");
  } catch (const CLI::ParseError& problem) {
    return app.exit(problem) == 0 ? 0 : 2;
  }
  try {
    o.link_rank < 0 ? measure_board(o) : measure_link(o);
    return 0;
  } catch (const std::exception& reason) {
    fmt::print(stderr, "{}\n", reason.what());
    return 1;
  }
}
