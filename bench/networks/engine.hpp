// SPDX-License-Identifier: MIT
#pragma once

// What is measured: an engine that has loaded one network and one image. There is one file for each engine,
// and one program: a process of its own shows its own memory. `serve.cpp` is the main function of all of
// them.

#include "support/zoo.hpp"

#include <cstddef>
#include <memory>
#include <span>
#include <stdexcept>
#include <string>
#include <vector>

namespace iop_bench {

/// What an engine is made from. Weights and model have the same numbers; an engine reads one of the two
/// files.
struct setup {
  network net{};
  std::string weights{};     ///< safetensors
  std::string model{};       ///< ONNX
  std::string library{};     ///< of an engine that is loaded at run time
  std::string variant{};     ///< of an engine that has several
  std::vector<float> image;  ///< channels × height × width
};

class engine {
 public:
  virtual ~engine() = default;
  /// One inference; this is what is timed. The scores are valid until the next.
  virtual std::span<const float> run() = 0;
  /// Of weights and activations, where the engine says so beforehand; otherwise 0.
  virtual std::size_t stated_bytes() const { return 0; }
};

/// Thrown by an engine that cannot run this network, or not on this machine: no failure of the benchmark.
struct unsupported : std::runtime_error {
  using runtime_error::runtime_error;
};

/// Defined once by each engine's file. May keep references to `s`.
std::unique_ptr<engine> make_engine(const setup& s);

/// Channels × height × width → height × width × channels, which some engines work on.
std::vector<float> to_hwc(std::span<const float> chw, const iop::shape& shape);

}  // namespace iop_bench
