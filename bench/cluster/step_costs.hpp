// SPDX-License-Identifier: MIT
#pragma once

// What a device's steps cost on this machine, kept in a file: all cells of a run that give a device the same
// part of the same plan are told the same. Who writes has his turn (turn.hpp), so nobody reads half a file.

#include <fstream>
#include <iterator>
#include <limits>
#include <string>
#include <utility>
#include <vector>

namespace iop_cluster {

class step_costs {
 public:
  explicit step_costs(std::string path) : path_(std::move(path)) {}

  /// Seconds of each step; none when nobody has written them.
  std::vector<double> read() const {
    std::ifstream file(path_);
    return {std::istream_iterator<double>(file), {}};
  }

  void write(const std::vector<double>& costs) const {
    std::ofstream file(path_);
    file.precision(std::numeric_limits<double>::max_digits10);
    for (const double seconds : costs) file << seconds << '\n';
  }

 private:
  std::string path_;
};

}  // namespace iop_cluster
