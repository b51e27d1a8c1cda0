// SPDX-License-Identifier: MIT
#pragma once

// Where devices listen, as people write it: HOST:PORT or [IPv6]:PORT, several joined by commas. What is none
// throws std::invalid_argument with a sentence.

#include <iop/comm/tcp_listener.hpp>
#include <iop/file/names.hpp>

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace lenet5 {

inline iop::comm::endpoint parse_endpoint(std::string_view words) {
  const std::size_t colon = words.rfind(':');
  std::string_view host = words.substr(0, colon);
  const std::string_view digits = colon == words.npos ? std::string_view() : words.substr(colon + 1);
  std::uint16_t port = 0;
  const auto [end, problem] = std::from_chars(digits.data(), digits.data() + digits.size(), port);
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  const bool is_host = !host.empty() && std::ranges::all_of(host, [](char c) {
    return c > ' ' && c < 127 && c != '[' && c != ']';
  });
  if (!is_host || port == 0 || problem != std::errc() || end != digits.data() + digits.size())
    throw std::invalid_argument("'" + std::string(iop::file::shown(words).view()) +
                                "' is not HOST:PORT with a port of 1 to 65535");
  return {std::string(host), port};
}

inline std::vector<iop::comm::endpoint> parse_endpoints(std::string_view words) {
  std::vector<iop::comm::endpoint> all;
  for (std::size_t end = 0; end != words.npos;
       words.remove_prefix(end == words.npos ? words.size() : end + 1)) {
    end = words.find(',');
    all.push_back(parse_endpoint(words.substr(0, end)));
    const auto& [host, port] = all.back();
    if (std::any_of(all.begin(), all.end() - 1,
                    [&](const auto& e) { return e.host == host && e.port == port; }))
      throw std::invalid_argument("'" + std::string(iop::file::shown(words.substr(0, end)).view()) +
                                  "' is named twice");
  }
  return all;
}

}  // namespace lenet5
