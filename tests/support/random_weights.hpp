// SPDX-License-Identifier: MIT
#pragma once

// Weights for networks that were never trained: the same name and shape give the same numbers everywhere,
// scaled so that activations keep their size through any number of layers. A batch_norm's weights are around
// 1, its variances positive.

#include <iop/core/digest.hpp>
#include <iop/core/weights.hpp>

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <map>
#include <mutex>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace iop_test {

/// Uniform in [-1, 1), by splitmix64 (Steele, Lea, Flood: Fast splittable pseudorandom number generators,
/// 2014).
inline float uniform(std::uint64_t& state) {
  std::uint64_t z = state += 0x9e3779b97f4a7c15u;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
  z ^= z >> 31;
  return static_cast<float>(static_cast<double>(z >> 11) * 0x1p-52 - 1.0);
}

inline std::vector<float> random_values(std::size_t count, std::uint64_t seed) {
  std::vector<float> values(count);
  for (float& value : values) value = uniform(seed);
  return values;
}

class random_weights {
 public:
  iop::result<std::span<const float>> tensor(std::string_view name,
                                             std::span<const std::size_t> shape) const {
    const std::lock_guard lock(mutex_);
    std::vector<float>& values = tensors_[std::string(name)];
    if (values.empty()) {
      std::size_t count = 1;
      for (const std::size_t extent : shape) count *= extent;
      values = random_values(count, iop::digest{}.add(name).value);
      const std::size_t fan_in = count / shape[0];
      const float scale = fan_in > 1 ? std::sqrt(3.0f / static_cast<float>(fan_in)) : 0.1f;
      const bool is_norm = shape.size() == 1 && name.ends_with(".weight");
      for (float& value : values)
        value = is_norm || name.ends_with(".running_var") ? 1.0f + 0.5f * value : value * scale;
    }
    return std::span<const float>(values);
  }

 private:
  mutable std::mutex mutex_;
  mutable std::map<std::string, std::vector<float>> tensors_;
};

static_assert(iop::weight_source<random_weights>);

}  // namespace iop_test
