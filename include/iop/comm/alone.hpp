// SPDX-License-Identifier: MIT
#pragma once

// The transport of a device that is alone: one rank, nobody to talk to.

#include <iop/comm/transport.hpp>

namespace iop::comm {

class alone {
 public:
  constexpr std::size_t rank() const { return 0; }
  constexpr std::size_t size() const { return 1; }
  constexpr traffic counters() const { return {}; }
  error exchange(std::size_t step, std::span<const outgoing> sends, std::span<const incoming> receives) {
    if (sends.empty() && receives.empty()) return {};
    error nobody = make_error(errc::bad_argument, "a device that is alone has no peer to exchange with.");
    nobody.step = step;
    return nobody;
  }
};

static_assert(transport<alone>);

}  // namespace iop::comm
