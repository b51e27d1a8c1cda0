// SPDX-License-Identifier: MIT
#pragma once

// Runs one rank's program that was made at run time: for hosts that try plans out, where compiling an
// executor for each would take minutes. The same steps by the same kernels, loading and exchanges as the
// executor, hence the same bits; but it contains every kernel, and memory is the caller's.
//
//   auto steps = deploy::program_builder<Operators, Ranks>(network.ops, plan, rank).build();
//   exec::interpreter me(network, steps, weights, arena, source, mesh);   // spans of steps.weight_floats, …

#include <iop/comm/transport.hpp>
#include <iop/core/weights.hpp>
#include <iop/deploy/program.hpp>
#include <iop/exec/compute.hpp>
#include <iop/exec/exchange.hpp>
#include <iop/exec/load.hpp>
#include <iop/exec/observer.hpp>

#include <algorithm>
#include <cstddef>
#include <span>
#include <type_traits>

namespace iop::exec {

/// A network as plain numbers, with the names of its weights.
struct network_view {
  op_list ops{};
  std::span<const model::tensor_name> names{};
  std::span<const model::tensor_name> norm_names{};
};

/// From a kind at run time to its kernel.
inline void compute(kind what, const deploy::compute_step& step, std::span<const deploy::operand> operands,
                    float* arena, const float* weights) {
  switch (what) {
    case kind::input:
      return;
    case kind::conv2d:
      return step.by_winograd ? compute<kind::conv2d, true>(step, operands, arena, weights)
                              : compute<kind::conv2d>(step, operands, arena, weights);
    case kind::dense:
      return compute<kind::dense>(step, operands, arena, weights);
    case kind::max_pool:
      return compute<kind::max_pool>(step, operands, arena, weights);
    case kind::average_pool:
      return compute<kind::average_pool>(step, operands, arena, weights);
    case kind::elementwise:
      return compute<kind::elementwise>(step, operands, arena, weights);
    case kind::softmax:
      return compute<kind::softmax>(step, operands, arena, weights);
    case kind::add:
      return compute<kind::add>(step, operands, arena, weights);
    case kind::concat:
      return compute<kind::concat>(step, operands, arena, weights);
    case kind::local_response_norm:
      return compute<kind::local_response_norm>(step, operands, arena, weights);
  }
}

template <std::size_t Operators, std::size_t Ranks>
class interpreter {
 public:
  using program = deploy::program<Operators, Ranks>;
  using scores = std::span<const float>;

  /// Loads this rank's slices from `source`. What is referred to must outlive the interpreter; `weights` and
  /// `arena` have the floats that the program says, aligned to 64 bytes.
  template <weight_source Weights, comm::transport Mesh>
  interpreter(const network_view& network, const program& steps, std::span<float> weights,
              std::span<float> arena, const Weights& source, Mesh& mesh)
      : network_(network), program_(steps), weights_(weights), arena_(arena), mesh_(mesh) {
    if (weights.size() < steps.weight_floats || arena.size() < steps.arena_floats || mesh.size() != Ranks)
      status_ = make_error(errc::bad_argument, "the program needs ", steps.weight_floats, " weights, ",
                           steps.arena_floats, " floats of arena and ", Ranks, " ranks, got ", weights.size(),
                           ", ", arena.size(), " and ", mesh.size(), ".");
    else
      status_ = load(source);
  }

  const error& status() const { return status_; }

  /// As the executor's.
  result<scores> run(std::span<const float> image = {}) { return run(image, no_observer{}); }

  template <class Observer>
  requires step_observer<std::remove_reference_t<Observer>> result<scores> run(std::span<const float> image,
                                                                               Observer&& observer) {
    if (status_) return status_;
    if (program_.input_count > 0) {
      if (image.size() != program_.input_count)
        return make_error(errc::bad_argument, "the network's input has ", program_.input_count,
                          " values, got ", image.size(), ".");
      std::copy(image.begin(), image.end(), arena_.data() + program_.input);
    }
    for (const auto& step : program_.steps) {
      const std::size_t tensor = step.is_exchange ? step.exchange.tensor : step.compute.tensor;
      const step_event event{step.number, tensor, network_.ops[tensor].what, step.is_exchange};
      observer.before(event);
      if (step.is_exchange) {
        status_ = exchange(step.number, step.exchange, arena_.data(), mesh_);
        if (status_) return status_;
      } else {
        compute(event.what, step.compute, {step.operands.data(), step.operands.size()}, arena_.data(),
                weights_.data());
      }
      observer.after(event);
    }
    return scores(arena_.data() + program_.output, program_.output_count);
  }

 private:
  template <class Weights>
  error load(const Weights& source) {
    for (const auto& step : program_.steps) {
      const std::size_t tensor = step.compute.tensor;
      if (step.is_exchange || !is_weighted(network_.ops[tensor])) continue;
      if (const error e = load_step(source, network_.ops[tensor], network_.names[tensor],
                                    network_.norm_names[tensor], step.compute, weights_.data()))
        return e;
    }
    // The slack behind the last tensor is read, so that it must be a number.
    const auto used = weights_.first(program_.weight_floats);
    std::fill(used.end() - static_cast<std::ptrdiff_t>(std::min(used.size(), planner::alignment_floats)),
              used.end(), 0.0f);
    return {};
  }

  network_view network_;
  const program& program_;
  std::span<float> weights_, arena_;
  any_transport mesh_;
  error status_;
};

}  // namespace iop::exec
