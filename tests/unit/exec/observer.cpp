// SPDX-License-Identifier: MIT
#include <iop/comm/alone.hpp>
#include <iop/exec/observer.hpp>
#include <iop/iop.hpp>

#include <algorithm>
#include <memory>
#include <thread>
#include <vector>

#include "catch.hpp"
#include "support/random_weights.hpp"
#include "support/trial.hpp"

namespace {

using namespace iop_test;

struct small : iop::model::network<iop::model::input<2, 6, 6>, iop::model::conv2d<8, iop::model::kernel<3>>,
                                   iop::model::relu, iop::model::max_pool<2>, iop::model::flatten,
                                   iop::model::dense<12>, iop::model::relu, iop::model::dense<5>> {};

struct pair {
  using network = small;
  static constexpr auto cluster = unlike_cluster<2>();
  static constexpr auto plan =
      iop::make_plan<network>(cluster, iop::policy::output_channel, {.input_rank = 1, .output_rank = 0});
};

struct recorder {
  std::vector<iop::exec::step_event> begun{}, done{};
  bool is_nested = false;

  void before(const iop::exec::step_event& event) {
    is_nested |= begun.size() != done.size();
    begun.push_back(event);
  }
  void after(const iop::exec::step_event& event) {
    done.push_back(event);
    is_nested |= begun.size() != done.size() || begun.back().number != event.number;
  }
};

/// Runs twice, the second time observed; whether both gave the same bits.
template <std::size_t Rank>
bool run(iop::comm::in_process_hub& hub, recorder& seen) {
  const random_weights weights;
  iop::comm::in_process_mesh mesh(hub, Rank);
  const auto me = std::make_unique<iop::executor<pair, Rank>>(weights, mesh);
  const std::vector<float> image = random_values(2 * 6 * 6, 3);
  const auto plain = me->run(image);
  if (!plain) return false;
  const std::vector<float> expected(plain->begin(), plain->end());
  const auto observed = me->run(image, seen);
  return observed && std::equal(observed->begin(), observed->end(), expected.begin(), expected.end());
}

}  // namespace

TEST_CASE("an observer is told of every step of its rank, in order, before and after", "[exec]") {
  iop::comm::in_process_hub hub(2, std::chrono::seconds(20));
  recorder first, second;
  bool is_second_right = false;
  std::thread other([&] { is_second_right = run<1>(hub, second); });
  const bool is_first_right = run<0>(hub, first);
  other.join();
  REQUIRE(is_first_right);
  REQUIRE(is_second_right);

  const auto check = [](const recorder& seen, const auto& program) {
    CHECK_FALSE(seen.is_nested);
    REQUIRE(seen.done.size() == program.steps.size());
    for (std::size_t i = 0; i < program.steps.size(); ++i) {
      const auto& step = program.steps[i];
      const iop::exec::step_event& event = seen.done[i];
      CHECK(event.number == step.number);
      CHECK(event.is_exchange == step.is_exchange);
      CHECK(event.tensor == (step.is_exchange ? step.exchange.tensor : step.compute.tensor));
      CHECK(event.what == small::spec.ops[event.tensor].what);
    }
  };
  check(first, iop::deploy::program_of<pair, 0>);
  check(second, iop::deploy::program_of<pair, 1>);
  // The input is on rank 1: it moves before anything is computed.
  CHECK(first.done.front().is_exchange);
  CHECK(first.done.front().tensor == 0);
  CHECK(std::any_of(first.done.begin(), first.done.end(), [](const auto& e) { return !e.is_exchange; }));
}

TEST_CASE("an exchange that fails has no end", "[exec]") {
  const random_weights weights;
  struct nobody {
    std::size_t rank() const { return 0; }
    std::size_t size() const { return 2; }
    iop::comm::traffic counters() const { return {}; }
    iop::error exchange(std::size_t step, std::span<const iop::comm::outgoing>,
                        std::span<const iop::comm::incoming>) {
      iop::error gone = iop::make_error(iop::errc::disconnected, "nobody is there");
      gone.step = step;
      return gone;
    }
  } mesh;
  const auto me = std::make_unique<iop::executor<pair, 0>>(weights, mesh);
  recorder seen;
  const auto scores = me->run(random_values(2 * 6 * 6, 3), seen);
  REQUIRE_FALSE(scores);
  REQUIRE(seen.begun.size() == seen.done.size() + 1);
  CHECK(seen.begun.back().is_exchange);
  CHECK(seen.begun.back().number == scores.error().step);
}
