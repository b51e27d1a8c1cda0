// SPDX-License-Identifier: MIT
#pragma once

// One device's part of a deployment, ready to run: its slices of the weights, one arena for all activations,
// and code for its own steps and nothing else. Everything is inside the object, so it belongs in static
// storage; nothing is allocated, planned or interpreted while it runs.

#include <iop/comm/transport.hpp>
#include <iop/core/weights.hpp>
#include <iop/deploy/program.hpp>
#include <iop/exec/compute.hpp>
#include <iop/exec/exchange.hpp>
#include <iop/exec/fused.hpp>
#include <iop/exec/load.hpp>
#include <iop/exec/observer.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <span>
#include <type_traits>
#include <utility>

namespace iop {

/// Executes rank `Rank` of a deployment. All ranks' executors call `run` once per inference; the one where
/// the input starts passes the image, the one where the result ends gets the scores.
template <deployment Deployment, std::size_t Rank>
class executor {
  static_assert(deploy::check<Deployment>());
  static_assert(deploy::check_rank<Deployment, Rank>());

  static constexpr const auto& program = deploy::program_of<Deployment, Rank>;
  static constexpr std::size_t ranks = Deployment::plan.ranks();

 public:
  using scores = std::span<const float>;

  static constexpr std::size_t weight_bytes() { return program.weight_floats * sizeof(float); }
  static constexpr std::size_t arena_bytes() { return program.arena_floats * sizeof(float); }
  static constexpr comm::identity identity() { return deploy::identity_of<Deployment>(); }

  /// Loads this rank's slices from `weights` and runs over `mesh`, which must outlive the executor. When a
  /// tensor is missing or has another shape, `status()` says so and so does every `run`.
  template <weight_source Weights, comm::transport Mesh>
  executor(const Weights& weights, Mesh& mesh)
      : mesh_(mesh), status_(load(weights, std::make_index_sequence<program.steps.size()>{})) {
    if (!status_ && (mesh.rank() != Rank || mesh.size() != ranks))
      status_ = make_error(errc::bad_argument, "this executor is rank ", Rank, " of ", ranks,
                           ", its transport is rank ", mesh.rank(), " of ", mesh.size(), ".");
  }

  executor(const executor&) = delete;
  executor& operator=(const executor&) = delete;

  /// Whether the weights were loaded and no exchange has failed so far.
  const error& status() const { return status_; }

  /// One inference. `image` is height × width × channels where the input starts and ignored elsewhere. The
  /// scores are valid until the next run; on ranks other than the output rank they are empty. After an error
  /// the executor stays failed.
  result<scores> run(std::span<const float> image = {}) { return run(image, exec::no_observer{}); }

  /// The same, with `observer` told of each step.
  template <class Observer>
  requires exec::step_observer<std::remove_reference_t<Observer>> result<scores> run(
      std::span<const float> image, Observer&& observer) {
    if (status_) return status_;
    if (program.input_count > 0) {
      if (image.size() != program.input_count)
        return make_error(errc::bad_argument, "the network's input has ", program.input_count,
                          " values, got ", image.size(), ".");
      std::copy(image.begin(), image.end(), arena_.data() + program.input);
    }
    run_steps(observer, std::make_index_sequence<program.steps.size()>{});
    if (status_) return status_;
    return scores(arena_.data() + program.output, program.output_count);
  }

 private:
  template <class Weights, std::size_t... Indices>
  error load(const Weights& source, std::index_sequence<Indices...>) {
    error first;
    (void)(!(first = load_step<Indices>(source)) && ...);
    // The slack behind the last tensor is read, so that it must be a number.
    std::fill(weights_.end() - std::min(weights_.size(), planner::alignment_floats), weights_.end(), 0.0f);
    return first;
  }

  template <std::size_t Index, class Weights>
  error load_step(const Weights& source) {
    if constexpr (!program.steps[Index].is_exchange) {
      static constexpr auto step = program.steps[Index].compute;
      static constexpr op o = Deployment::network::spec.ops[step.tensor];
      static constexpr auto name = Deployment::network::spec.names[step.tensor];
      static constexpr auto norm_name = Deployment::network::spec.norm_names[step.tensor];
      if constexpr (is_weighted(o)) return exec::load_step(source, o, name, norm_name, step, weights_.data());
    }
    return {};
  }

  template <class Observer, std::size_t... Indices>
  void run_steps(Observer& observer, std::index_sequence<Indices...>) {
    (void)(run_step<Indices>(observer) && ...);
  }

  static constexpr exec::fusion fusion_of(std::size_t index) {
    return exec::fusion_of(program.steps, Deployment::network::spec.list(), index);
  }

  static constexpr kind kind_of(std::size_t tensor) { return Deployment::network::spec.ops[tensor].what; }

  template <std::size_t Index>
  static constexpr auto operands_of() {
    constexpr auto& all = program.steps[Index].operands;
    std::array<deploy::operand, all.size()> exact{};
    std::copy(all.begin(), all.end(), exact.begin());
    return exact;
  }

  template <std::size_t Index, class Observer>
  bool run_step(Observer& observer) {
    // Each step is a constant of its own, so that the whole list never becomes part of the program.
    if constexpr (program.steps[Index].is_exchange) {
      static constexpr auto step = program.steps[Index].exchange;
      static constexpr auto number = program.steps[Index].number;
      static constexpr exec::step_event event{number, step.tensor, kind_of(step.tensor), true};
      observer.before(event);
      status_ = exec::exchange(number, step, arena_.data(), mesh_);
      if (!status_) observer.after(event);
      return !status_;
    } else {
      static constexpr auto step = program.steps[Index].compute;
      static constexpr auto operands = operands_of<Index>();
      static constexpr exec::step_event event{program.steps[Index].number, step.tensor, kind_of(step.tensor),
                                              false};
      constexpr kernel::conv_forms forms = exec::forms_of(event.what, step);
      observer.before(event);
      if constexpr (constexpr auto fusion = fusion_of(Index); fusion != exec::fusion::none) {
        static constexpr auto next = program.steps[Index + 1].compute;
        static constexpr auto next_operands = operands_of<Index + 1>();
        exec::compute_fused<fusion, step.by_winograd, forms.blocks>(step, next, next_operands, arena_.data(),
                                                                    weights_.data());
      } else if constexpr (Index == 0 || fusion_of(Index - 1) == exec::fusion::none) {
        exec::compute<event.what, step.by_winograd, forms>(step, operands, arena_.data(), weights_.data());
      }
      observer.after(event);
      return true;
    }
  }

  exec::any_transport mesh_;
  alignas(64) std::array<float, std::max<std::size_t>(program.weight_floats, 1)> weights_;
  alignas(64) std::array<float, std::max<std::size_t>(program.arena_floats, 1)> arena_;
  error status_;
};

}  // namespace iop
