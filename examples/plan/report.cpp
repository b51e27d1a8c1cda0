// SPDX-License-Identifier: MIT
#include "report.hpp"

#include "planning.hpp"

#include <array>
#include <utility>

namespace what_if {

report make_report(const network& n, const setup& s, iop::policy policy) {
  return [&]<std::size_t... Index>(std::index_sequence<Index...>) {
    constexpr std::array plan_on = {&report_on<Index + 1>...};
    return plan_on.at(s.cluster.size() - 1)(n, s, policy);
  }
  (std::make_index_sequence<most_devices>{});
}

}  // namespace what_if
