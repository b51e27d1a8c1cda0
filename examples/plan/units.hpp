// SPDX-License-Identifier: MIT
#pragma once

// Quantities as people write them: a number, an optional prefix and a unit, such as 10e9, 10G, 256MiB,
// 100Mbit or 500us. A plain number is in FLOP/s, bytes per second, bytes or seconds. What cannot be read, or
// is beyond all hardware so that sums of times would not be finite, is a std::invalid_argument with a
// sentence.

#include <iop/file/names.hpp>
#include <iop/spec/units.hpp>

#include <fmt/format.h>

#include <charconv>
#include <cmath>
#include <initializer_list>
#include <stdexcept>
#include <string>
#include <string_view>
#include <system_error>

namespace what_if {

namespace detail {

struct unit {
  std::string_view name;
  double factor;
};

/// A kind of quantity: what it is called, how it may be written, and its units behind an optional prefix.
struct quantity {
  std::string_view article_and_name;
  std::string_view example;
  std::initializer_list<unit> units;
  bool has_large_prefixes = true;
  double least = 1, most = 1e18;  ///< in basic units; 0 is allowed, too
};

inline constexpr unit prefixes[] = {{"", 1},        {"k", 1e3},        {"K", 1e3},
                                    {"M", 1e6},     {"G", 1e9},        {"T", 1e12},
                                    {"Ki", 1024.0}, {"Mi", 1048576.0}, {"Gi", 1073741824.0}};

/// The factor of what stands behind the number, or 0.
inline double factor_of(std::string_view suffix, const quantity& q) {
  for (const unit& u : q.units) {
    for (const unit& prefix : prefixes)
      if ((q.has_large_prefixes || prefix.name.empty()) && suffix.starts_with(prefix.name) &&
          suffix.substr(prefix.name.size()) == u.name)
        return prefix.factor * u.factor;
  }
  return 0;
}

inline double parse(std::string_view written, const quantity& q) {
  const auto refuse = [&] {
    return std::invalid_argument(fmt::format("'{}' is not {}: write for example {}.",
                                             iop::file::shown(written).view(), q.article_and_name,
                                             q.example));
  };
  // from_chars would also take "inf" and "-1".
  const bool is_number = !written.empty() && ((written[0] >= '0' && written[0] <= '9') || written[0] == '.');
  double number = 0;
  const auto [end, problem] = std::from_chars(written.data(), written.data() + written.size(), number);
  if (!is_number || problem != std::errc()) throw refuse();
  std::string_view suffix = written.substr(static_cast<std::size_t>(end - written.data()));
  if (suffix.size() > 1 && suffix[0] == ' ') suffix.remove_prefix(1);
  const double factor = factor_of(suffix, q);
  const double value = number * factor;
  if (factor == 0 || !std::isfinite(value)) throw refuse();
  if (value != 0 && (value < q.least || value > q.most))
    throw std::invalid_argument(fmt::format("'{}' is not {} that there is: 0, or from {:g} to {:g}.",
                                            iop::file::shown(written).view(), q.article_and_name, q.least,
                                            q.most));
  return value;
}

}  // namespace detail

inline iop::compute_rate parse_compute_rate(std::string_view written) {
  return {detail::parse(written, {"a compute rate",
                                  "10e9 or 10G (floating-point operations per second)",
                                  {{"", 1}, {"FLOPs", 1}, {"FLOPS", 1}, {"FLOP/s", 1}}})};
}

inline iop::byte_rate parse_memory_bandwidth(std::string_view written) {
  return {detail::parse(written,
                        {"a memory bandwidth",
                         "3e9 (bytes per second), 3G or 3GB/s",
                         {{"", 1}, {"B", 1}, {"B/s", 1}, {"Bps", 1}, {"bit", 0.125}, {"bit/s", 0.125}}})};
}

/// "100M" may mean bits or bytes to who writes it, so a prefix needs a unit here.
inline iop::byte_rate parse_link_bandwidth(std::string_view written) {
  const detail::quantity with_unit{
      "a bandwidth",
      "100Mbit, 12.5MB or 12.5e6 (bytes per second)",
      {{"B", 1}, {"B/s", 1}, {"Bps", 1}, {"bit", 0.125}, {"bit/s", 0.125}, {"bps", 0.125}, {"bitps", 0.125}}};
  const std::string_view plain = "0123456789.eE+-";
  if (written.find_first_not_of(plain) != std::string_view::npos) return {detail::parse(written, with_unit)};
  return {detail::parse(written, {with_unit.article_and_name, with_unit.example, {{"", 1}}, false})};
}

inline iop::byte_count parse_byte_count(std::string_view written) {
  const double bytes = detail::parse(
      written,
      {"an amount of memory", "268435456 (bytes), 256MiB or 268.4MB", {{"", 1}, {"B", 1}}, true, 1, 0x1p53});
  return {static_cast<std::size_t>(std::llround(bytes))};
}

inline iop::duration parse_duration(std::string_view written) {
  return {detail::parse(written, {"a time",
                                  "0.002 (seconds), 2ms or 500us",
                                  {{"", 1}, {"s", 1}, {"ms", 1e-3}, {"us", 1e-6}, {"ns", 1e-9}},
                                  false,
                                  1e-12,
                                  1e6})};
}

}  // namespace what_if
