// SPDX-License-Identifier: MIT
// What if: which plan a policy makes for a network on a cluster, and what it costs, without running anything.
//
// Exit status: 0; 1 when there is no such cluster, a device's memory does not suffice, or a file cannot be
// read or written (a sentence on stderr says which); 2 for wrong usage.

#include "cluster_file.hpp"
#include "json.hpp"
#include "page.hpp"
#include "table.hpp"
#include "units.hpp"

#include <console/outputs.hpp>
#include <console/usage.hpp>

#include <iop/deploy/deployment.hpp>

#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include <algorithm>
#include <cstdio>
#include <stdexcept>
#include <string>
#include <vector>

namespace {

using namespace what_if;

struct options {
  std::string network{};
  std::string policy = "all";
  std::string cluster_file{};
  std::size_t devices = 3;
  iop::device device{{}, {10e9}, {3e9}, {std::size_t{512} << 20}};
  iop::link link{{12.5e6}, {2e-3}};
  std::string json{};
  std::string html{};
  std::string header{};

  std::vector<console::named_path> outputs() const {
    return {{"--json", json}, {"--html", html}, {"--header", header}};
  }
};

/// An option that is read by one of the functions of units.hpp.
template <class Quantity, class Parse>
CLI::Option* add_quantity(CLI::App& app, const std::string& name, Quantity& into, Parse parse,
                          const std::string& help) {
  return app
      .add_option_function<std::string>(
          name,
          [&into, parse, name](const std::string& written) {
            try {
              into = parse(written);
            } catch (const std::invalid_argument& reason) {
              throw CLI::ValidationError(name, reason.what());
            }
          },
          help)
      ->type_name("QUANTITY");
}

void add_options(CLI::App& app, options& o) {
  std::vector<std::string> names, policies{"all"};
  for (const network& n : networks()) names.emplace_back(n.name);
  for (const iop::policy p : iop::all_policies) policies.emplace_back(name_of(p));
  app.add_option("--network", o.network, "which network")->required()->check(CLI::IsMember(names));
  app.add_option("--policy", o.policy, "how it is cut; all compares the policies")
      ->check(CLI::IsMember(policies))
      ->capture_default_str();
  auto* file =
      console::add_words(app, "--cluster", o.cluster_file, "JSON file with unlike devices and links");
  const std::vector<CLI::Option*> equal = {
      console::add_number(app, "--devices", o.devices, 1, most_devices, "how many equal devices")
          ->capture_default_str(),
      add_quantity(app, "--flops", o.device.compute, parse_compute_rate, "of each device [10G]"),
      add_quantity(app, "--winograd-flops", o.device.winograd, parse_compute_rate,
                   "of each device, on 3x3 convolutions by Winograd's algorithm [0: not used]"),
      add_quantity(app, "--memory-bandwidth", o.device.memory_bandwidth, parse_memory_bandwidth,
                   "of each device [3GB]"),
      add_quantity(app, "--memory", o.device.memory, parse_byte_count, "of each device [512MiB]"),
      add_quantity(app, "--bandwidth", o.link.bandwidth, parse_link_bandwidth, "of the links [100Mbit]"),
      add_quantity(app, "--message-time", o.link.message, parse_duration, "set-up of each message [2ms]"),
      app.add_flag("--shared-medium", o.link.shared_medium, "all links share one channel, as Wi-Fi does")
          ->disable_flag_override()};
  for (CLI::Option* each : equal) each->excludes(file);
  console::add_words(app, "--json", o.json,
                     "write all numbers to this file; - is stdout, the table goes to stderr then");
  console::add_words(app, "--html", o.html, "write a page with timelines and cuts to this file");
  console::add_words(app, "--header", o.header,
                     "write the plan of one policy as C++ to this file, for a deployment");
  app.callback([&o] {
    std::vector<console::named_path> files = o.outputs();
    files.insert(files.begin(), {"--cluster", o.cluster_file});
    console::check_different(files);
    if (!o.header.empty() && o.policy == "all")
      throw CLI::ValidationError("--header", "writes one plan: name its policy with --policy");
  });
}

setup equal_devices(const options& o) {
  setup made;
  for (std::size_t rank = 0; rank < o.devices; ++rank) made.add(o.device, fmt::format("device{}", rank));
  made.cluster.connect_all(o.link);
  return made;
}

std::string to_header(const network& n, const report& r) {
  return fmt::format(
      "// Made by iop-plan: {0} under {1}.\n#pragma once\n\n#include <iop/planner/plan.hpp>\n\n"
      "inline constexpr auto {0}_plan = {2};\n",
      n.name, name_of(r.policy), r.source);
}

/// The exit status.
int run(const options& o) {
  for (const console::named_path& each : o.outputs()) console::check_output(each.path);
  const setup s = o.cluster_file.empty() ? equal_devices(o) : read_cluster(o.cluster_file);
  const auto impossible = iop::deploy::problem_of(s.cluster, s.ends);
  if (!impossible.empty()) throw std::runtime_error(impossible.c_str());
  const network& n = *std::find_if(networks().begin(), networks().end(),
                                   [&](const network& each) { return each.name == o.network; });

  std::vector<report> reports;
  for (const iop::policy p : iop::all_policies)
    if (o.policy == "all" || o.policy == name_of(p)) reports.push_back(make_report(n, s, p));

  if (!o.json.empty()) console::write_output(o.json, to_json(n, s, reports).dump(1) + '\n');
  if (!o.html.empty()) console::write_output(o.html, to_page(n, s, reports));
  // A plan that fits nowhere is no use to a deployment.
  if (!o.header.empty() && reports[0].problem.empty())
    console::write_output(o.header, to_header(n, reports[0]));
  std::FILE* table = console::table_beside(o.outputs());
  reports.size() == 1 ? print_plan(table, n, s, reports[0]) : print_comparison(table, n, s, reports);
  // A comparison is of use as long as one policy fits.
  if (std::any_of(reports.begin(), reports.end(), [](const report& r) { return r.fits(); })) return 0;
  std::fflush(table);  // where both go to one place, the sentence is behind it
  fmt::print(stderr, "{}\n", reports.back().problem);
  return 1;
}

}  // namespace

int main(int argc, char** argv) {
  options o;
  CLI::App app("Plans a network on a cluster and says what that costs: time, messages, bytes and memory.");
  add_options(app, o);
  return console::run(app, argc, argv, [&] { return run(o); });
}
