// SPDX-License-Identifier: MIT
#pragma once

// Weights as the peers want them: PyTorch's order, and what a batch_norm does already folded in, as their own
// optimisers would do.

#include "support/zoo.hpp"

#include <iop/file/safetensors.hpp>

#include <cstddef>
#include <string>
#include <vector>

namespace iop_bench {

/// Output × input × height × width, also of a dense layer, whose kernel is its whole input; a bias for each
/// output, zero where the network has none.
struct layer {
  std::vector<float> weight{};
  std::vector<float> bias{};
};

class layers {
 public:
  layers(const network& net, const std::string& path);
  /// Of one weighted operator.
  layer read(std::size_t number) const;

 private:
  std::span<const float> tensor(const std::string& name, std::vector<std::size_t> shape) const;

  const network& net_;
  iop::file::safetensors file_;
};

/// What the activation of an operator cuts off. Throws `unsupported` when it is a curve.
struct cut_off {
  float low, high;
};
cut_off cut_off_of(const iop::op& o);

/// True when every output is the mean of a whole channel.
bool is_global(const iop::op& o);

}  // namespace iop_bench
