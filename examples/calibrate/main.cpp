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

#include <console/outputs.hpp>
#include <console/usage.hpp>
#include <lenet5/endpoints.hpp>
#include <plan/units.hpp>

#include <iop/comm/tcp.hpp>

#include <fmt/format.h>
#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <cstdio>
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
  std::size_t link_rank = 0;
  std::string peers{};
  std::string json{};
  std::string header{};

  std::vector<console::named_path> outputs() const { return {{"--json", json}, {"--header", header}}; }
};

void check(const iop::error& reason) {
  if (reason) throw std::runtime_error(std::string(reason.message.view()));
}

/// Can it be a device's name for iop-plan, and a variable's at namespace scope?
std::string problem_of_name(const std::string& name) {
  constexpr std::string_view letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
  // Keywords, the words beside them that are operators, and what is declared already.
  constexpr std::string_view taken =
      " alignas alignof and and_eq asm auto bitand bitor bool break case catch char char8_t "
      "char16_t char32_t class compl concept const consteval constexpr constinit const_cast "
      "continue co_await co_return co_yield decltype default delete do double dynamic_cast else "
      "enum explicit export extern false float for friend goto if inline int iop long main "
      "mutable namespace new noexcept not not_eq nullptr operator or or_eq private protected "
      "public register reinterpret_cast requires return short signed sizeof static "
      "static_assert static_cast std struct switch template this thread_local throw true try "
      "typedef typeid typename union unsigned using virtual void volatile wchar_t while xor "
      "xor_eq ";
  const bool is_identifier =
      !name.empty() && letters.find(name[0]) != letters.npos && std::ranges::all_of(name, [&](char c) {
        return letters.find(c) != letters.npos || (c >= '0' && c <= '9') || c == '_';
      });
  if (!is_identifier || name.find("__") != name.npos)
    return console::in_quotes(name) + " is not a letter followed by letters, digits and single _";
  if (name.size() > 40) return console::in_quotes(name) + " is longer than 40 letters";
  if (taken.find(" " + name + " ") != taken.npos)
    return console::in_quotes(name) + " has a meaning in C++ already";
  return {};
}

/// Three digits are more than such measurements repeat.
double rounded(double value) { return std::stod(fmt::format("{:.3g}", value)); }

std::string to_header(const std::string& what, const std::string& name, const std::string& initialiser) {
  return fmt::format(
      "// Measured by iop-calibrate.\n#pragma once\n\n#include <iop/spec/cluster.hpp>\n\n"
      "inline constexpr iop::{} {}{};\n",
      what, name, initialiser);
}

constexpr const char* what_model_means = "model: how much longer (+) or shorter it says than was measured\n";

void measure_board(const options& o) {
  const device_model model = measure_device(o.seconds, o.is_small);
  std::FILE* table = console::table_beside(o.outputs());
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
                     {"narrow_flops", rounded(d.narrow.flops_per_second)},
                     {"skips_padding", d.skips_padding}};
  fmt::print(table, "{}\n{}\n", what_model_means, made.dump());
  console::write_output(o.json, made.dump(1) + "\n");
  console::write_output(
      o.header,
      to_header("device", o.name,
                fmt::format("{{\"{}\", {{{}}}, {{{}}}, {{{}}}, {}, {{{}}}, {{{}}}, {{{}}}, {}}}", o.name,
                            made["flops"].dump(), made["memory_bandwidth"].dump(), o.memory.bytes,
                            d.channel_step, made["winograd_flops"].dump(), made["depthwise_flops"].dump(),
                            made["narrow_flops"].dump(), d.skips_padding)));
}

void measure_link(const options& o) {
  const auto peers = lenet5::parse_endpoints(o.peers);
  iop::comm::tcp_listener listener;
  check(listener.open({"", peers[o.link_rank].port}));
  iop::comm::tcp_options limits;
  limits.connect_time_out = limits.exchange_time_out = std::chrono::milliseconds(o.time_out_ms);
  iop::comm::tcp_mesh mesh;
  check(mesh.connect(std::move(listener), o.link_rank, peers, {0, 0, 2, 0}, limits));
  std::vector<timed_message> measured;
  link_probe probe;
  check(probe.measure(mesh, measured));
  if (o.link_rank != 0) return;

  const link_model model = fit_link(measured);
  std::FILE* table = console::table_beside(o.outputs());
  fmt::print(table, "{:>12}{:>14}{:>9}\n", "bytes", "measured ms", "model");
  for (const timed_message& m : measured)
    fmt::print(table, "{:>12.0f}{:>14.4f}{:>+8.0f}%\n", m.bytes, m.seconds * 1e3,
               100 * (model.seconds(m.bytes) / m.seconds - 1));
  const json made = {{"bandwidth", rounded(model.bytes_per_second)},
                     {"message_time", rounded(model.message_seconds)},
                     {"shared_medium", false}};
  fmt::print(table, "{}\n{}\n", what_model_means, made.dump());
  console::write_output(o.json, made.dump(1) + "\n");
  console::write_output(o.header, to_header("link", o.name,
                                            fmt::format("{{{{{}}}, {{{}}}, false}}", made["bandwidth"].dump(),
                                                        made["message_time"].dump())));
}

}  // namespace

int main(int argc, char** argv) {
  options o;
  CLI::App app("Measures this board, or the link between two boards, for the planner.");
  app.add_option("--name", o.name, "what the header calls it: letters, digits, _")
      ->check(problem_of_name)
      ->capture_default_str();
  auto* memory = app.add_option_function<std::string>(
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
  auto* seconds =
      console::add_number(app, "--seconds", o.seconds, 0, 3600, "measure for about so long, in seconds [5]");
  auto* small =
      app.add_flag("--small", o.is_small,
                   "the rates of a small network, whose weights stay in a cache between inferences");
  auto* link = console::add_number(app, "--link", o.link_rank, 0, 1,
                                   "measure the link: 0 on the board that reports, 1 on the other");
  for (auto* of_device : {memory, seconds, small}) link->excludes(of_device);
  auto* peers = app.add_option("--peers", o.peers, "HOST:PORT,HOST:PORT of the two boards")
                    ->needs(link)
                    ->check([](const std::string& words) -> std::string {
                      try {
                        return lenet5::parse_endpoints(words).size() == 2 ? "" : "must name two boards";
                      } catch (const std::invalid_argument& reason) {
                        return reason.what();
                      }
                    });
  link->needs(peers);
  console::add_number(app, "--time-out", o.time_out_ms, 1, 3'600'000,
                      "milliseconds to wait for the other board [30000]")
      ->needs(link);
  console::add_words(app, "--json", o.json,
                     "write the profile to this file; - is stdout, the table goes to stderr then");
  console::add_words(app, "--header", o.header, "write the profile as C++ to this file");
  app.callback([&] { console::check_different(o.outputs()); });
  return console::run(app, argc, argv, [&] {
    for (const console::named_path& each : o.outputs()) console::check_output(each.path);
    link->empty() ? measure_board(o) : measure_link(o);
    return 0;
  });
}
