// SPDX-License-Identifier: MIT
#pragma once

// Models of the cost model put through measurements: message time and bandwidth of a link
// by least squares of the relative errors, a rate as the middle of what was seen. What remains is shown.

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <span>
#include <vector>

namespace calibrate {

inline double median(std::vector<double> values) {
  if (values.empty()) return 0;
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

/// A message of so many bytes took so long.
struct timed_message {
  double bytes = 0;
  double seconds = 0;
};

struct link_model {
  double message_seconds = 0;
  double bytes_per_second = 0;

  double seconds(double bytes) const { return message_seconds + bytes / bytes_per_second; }
};

/// Of seconds = message + bytes / bandwidth, neither below 0.
inline link_model fit_link(std::span<const timed_message> all) {
  double ww = 0, wb = 0, bb = 0, wt = 0, bt = 0;  // of the normal equations, with weights 1 / seconds²
  for (const timed_message& m : all) {
    const double w = 1 / (m.seconds * m.seconds);
    ww += w, wb += w * m.bytes, bb += w * m.bytes * m.bytes, wt += w * m.seconds,
        bt += w * m.bytes * m.seconds;
  }
  const double determinant = ww * bb - wb * wb;
  double message = (wt * bb - bt * wb) / determinant;
  double per_byte = (ww * bt - wb * wt) / determinant;
  if (!(message >= 0)) message = 0, per_byte = bt / bb;
  if (!(per_byte > 0)) message = wt / ww, per_byte = 1e-15;
  return {message, 1 / per_byte};
}

}  // namespace calibrate
