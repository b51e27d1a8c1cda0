// SPDX-License-Identifier: MIT
#pragma once

// What the demo found out, for people as a table and for tools as JSON. Traffic is what the devices counted,
// per inference; the plan's own prediction stands beside it to be compared.

#include "deployments.hpp"

#include <iop/planner/cost.hpp>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <cstddef>
#include <cstdio>
#include <iterator>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

namespace lenet5 {

/// One policy's row.
struct row {
  std::string policy{};
  std::string classes{};  ///< a digit for each image
  double accuracy = 0;
  std::size_t agreement = 0;  ///< images whose class equals the single device's
  iop::planner::prediction predicted{};
  std::size_t messages_sent = 0;  ///< by all devices for all images
  std::size_t bytes_sent = 0;
  double latency_p50_ms = 0;
  double latency_p99_ms = 0;
  struct device {
    std::size_t weight_bytes = 0;
    std::size_t arena_bytes = 0;
    std::size_t peak_resident_bytes = 0;
  };
  std::vector<device> ranks{};
};

template <std::size_t Devices, iop::policy Policy>
inline constexpr iop::planner::prediction prediction_of =
    iop::planner::predict(lenet5::spec.list(), porch<Devices, Policy>::cluster, porch<Devices, Policy>::plan);

/// What the planner expects of one of the `policies`: constants, as the plans are.
inline iop::planner::prediction predict(std::size_t devices, iop::policy policy) {
  const auto on = [policy]<std::size_t Devices, std::size_t... P>(
      std::integral_constant<std::size_t, Devices>, std::index_sequence<P...>) {
    iop::planner::prediction found;
    (void)((policies[P] == policy && (found = prediction_of<Devices, policies[P]>, true)) || ...);
    return found;
  };
  constexpr std::make_index_sequence<std::size(policies)> all;
  return devices == 2   ? on(std::integral_constant<std::size_t, 2>{}, all)
         : devices == 3 ? on(std::integral_constant<std::size_t, 3>{}, all)
                        : on(std::integral_constant<std::size_t, 4>{}, all);
}

/// How many of the first classes are the same.
inline std::size_t count_equal(const std::string& some, const std::string& others) {
  std::size_t equal = 0;
  for (std::size_t i = 0; i < some.size() && i < others.size(); ++i) equal += some[i] == others[i];
  return equal;
}

/// Whether the devices sent exactly what the plan says.
inline bool is_as_planned(const row& r) {
  const std::size_t images = r.classes.size();
  return r.messages_sent == images * r.predicted.messages && r.bytes_sent == images * r.predicted.bytes;
}

/// A total per image: a whole number wherever it can be.
inline nlohmann::ordered_json per_image(std::size_t total, std::size_t images) {
  if (total % images == 0) return total / images;
  return static_cast<double>(total) / static_cast<double>(images);
}

inline nlohmann::ordered_json to_json(const std::vector<row>& rows) {
  nlohmann::ordered_json all = nlohmann::ordered_json::array();
  for (const row& r : rows) {
    nlohmann::ordered_json ranks = nlohmann::ordered_json::array();
    for (const row::device& d : r.ranks)
      ranks.push_back({{"weight_bytes", d.weight_bytes},
                       {"arena_bytes", d.arena_bytes},
                       {"peak_resident_bytes", d.peak_resident_bytes}});
    all.push_back({{"policy", r.policy},
                   {"accuracy", r.accuracy},
                   {"agreement", r.agreement},
                   {"exchanges", r.predicted.exchanges},
                   {"messages", per_image(r.messages_sent, r.classes.size())},
                   {"bytes", per_image(r.bytes_sent, r.classes.size())},
                   {"latency_p50_ms", r.latency_p50_ms},
                   {"latency_p99_ms", r.latency_p99_ms},
                   {"ranks", ranks}});
  }
  return {{"devices", rows.at(0).ranks.size()}, {"images", rows.at(0).classes.size()}, {"policies", all}};
}

/// Two blocks with a row per policy each: what the policies achieve, and what they ask of each device.
inline void print_table(std::FILE* into, const std::vector<row>& rows) {
  fmt::print(into, "{:<15}{:>9}{:>11}{:>11}{:>10}{:>9}{:>10}{:>10}\n", "policy", "accuracy", "agreement",
             "exchanges", "messages", "bytes", "p50 ms", "p99 ms");
  for (const row& r : rows) {
    const std::size_t images = r.classes.size();
    fmt::print(into, "{:<15}{:>9.4f}{:>11}{:>11}{:>10}{:>9}{:>10.3f}{:>10.3f}\n", r.policy, r.accuracy,
               r.agreement, r.predicted.exchanges, per_image(r.messages_sent, images).dump(),
               per_image(r.bytes_sent, images).dump(), r.latency_p50_ms, r.latency_p99_ms);
  }
  fmt::print(
      into,
      "Agreement: images with the single device's class. Messages and bytes: measured, per inference.\n\n"
      "Bytes of weights / bytes of arena / peak resident memory (the camera's with all images):\n{:<15}",
      "policy");
  for (std::size_t rank = 0; rank < rows.at(0).ranks.size(); ++rank)
    fmt::print(into, "{:>25}", boards[rank].name);
  fmt::print(into, "\n");
  for (const row& r : rows) {
    fmt::print(into, "{:<15}", r.policy);
    for (const row::device& d : r.ranks)
      fmt::print(into, "{:>25}",
                 fmt::format("{} / {} / {:.1f} MB", d.weight_bytes, d.arena_bytes,
                             static_cast<double>(d.peak_resident_bytes) / 1e6));
    fmt::print(into, "\n");
  }
  fmt::print(into, "\n");
}

}  // namespace lenet5
