// SPDX-License-Identifier: MIT
// One emulated device: a rank of any plan for any measured network, as slow as it is told to be. It makes the
// plan itself, by the planner's own functions, and meets the others over TCP, who refuse it if theirs
// differs. Rank 0 has the image, gets the scores, and says how often they run.
//
// On stdout: `port N`, then `progress K` of rank 0, at last `result {…}`; on stdin: a line with the addresses
// of all ranks. What went wrong is a sentence on stderr, exit status 1; 2 for wrong usage.

#include "planned_rank.hpp"
#include "step_costs.hpp"
#include "turn.hpp"

#include <cluster_file.hpp>
#include <endpoints.hpp>
#include <support/random_weights.hpp>

#include <fmt/format.h>
#include <sys/prctl.h>
#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <array>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <iostream>
#include <numeric>
#include <stdexcept>
#include <string>
#include <vector>

namespace {

using namespace iop_cluster;
using failure = std::runtime_error;

struct options {
  std::string network{};
  std::string policy{};
  std::string cluster{};
  std::string weights{};
  std::string turn{};
  std::string costs{};
  double rehearsal_seconds = 1;
  std::string host = "127.0.0.1";
  std::size_t rank = 0;
  std::size_t least_runs = 3;
  std::size_t most_runs = 1000;
  double seconds = 1;
  double factor = 0;
  double own_message_us = 0;
  std::size_t time_out_ms = 60'000;
  bool is_shaped = false;
  bool is_kernel_shaped = false;
};

void check(const iop::error& reason) {
  if (reason) throw failure(std::string(reason.message.view()));
}

template <class Value>
Value take(iop::result<Value> got) {
  check(got.error());
  return std::move(*got);
}

template <std::size_t... Ranks>
std::unique_ptr<planned_rank> make_rank(const options& o, const what_if::setup& s,
                                        std::index_sequence<Ranks...>) {
  const auto policy =
      std::ranges::find(iop::all_policies, o.policy, [](iop::policy p) { return iop::name_of(p); });
  std::unique_ptr<planned_rank> made;
  const auto& net = iop_bench::find_network(o.network);
  ((s.cluster.size() == Ranks ? void(made = plan_rank<Ranks>(net, s, *policy, o.rank)) : void()), ...);
  if (!made) throw failure(fmt::format("this program is not compiled for {} devices", s.cluster.size()));
  return made;
}

/// Of this process, which is the device: its own memory, without the file that the weights were read from.
std::size_t resident_bytes() {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);)
    if (line.starts_with("RssAnon:")) return std::stoul(line.substr(8)) * 1024;
  return 0;
}

/// What rank 0 says when all have met.
struct order {
  std::size_t runs = 0;       ///< until they meet again; 0: it was enough
  std::size_t shown_run = 0;  ///< in the end: which run's steps are reported
};

class trial {
 public:
  trial(const options& o, const what_if::setup& s) : o_(o), setup_(s) {}

  nlohmann::json run() {
    const auto made = make_rank(o_, setup_, std::index_sequence<IOP_RANKS_LIST>{});
    connect(made->identity());
    slow_link link(mesh_);
    const auto weights = take(iop::file::safetensors::open(o_.weights));
    std::vector<float> image;
    const auto& net = iop_bench::find_network(o_.network);
    if (o_.rank == setup_.ends.input_rank) image = iop_test::random_values(net.ops[0].out.size(), 2);

    check(made->load(weights, link));
    rehearsal ignored;
    const auto first = take(made->run(image, ignored));  // touches all memory
    scores_.assign(first.begin(), first.end());
    slow_device device(o_.factor, rehearse(*made, image, link));
    link.become(shape());
    order next;
    agree(next);  // that nobody rehearses any more
    wait_for_go();

    iop::comm::traffic own{};
    const double begin = now();
    for (meet(next, begin); next.runs != 0; meet(next, begin)) {
      const auto start = mesh_.counters();
      for (std::size_t i = 0; i < next.runs; ++i) {
        const double started = now();
        device.start();
        const auto scores = take(made->run(image, device));
        device.finish();
        latencies_.push_back(now() - started);
        if (!std::ranges::equal(scores, scores_))
          throw failure(fmt::format("run {} has other scores than the first", latencies_.size()));
        steps_.push_back(device.steps());
        lateness_.push_back(device.lateness());
      }
      const auto end = mesh_.counters();
      own.messages_sent += end.messages_sent - start.messages_sent;
      own.bytes_sent += end.bytes_sent - start.bytes_sent;
    }
    return result(*made, own, next.shown_run);
  }

 private:
  /// What the steps cost here. A machine's memory is shared with neighbours that come and go within a second,
  /// so they are repeated for that long; and who has the same part of the same plan need not do it again.
  std::vector<double> rehearse(planned_rank& made, std::span<const float> image, slow_link& link) {
    if (o_.factor <= 0) return {};
    const turn mine(o_.turn);
    const auto what = made.identity();
    const step_costs known(
        fmt::format("{}-{:016x}-{:016x}-{}", o_.costs, what.network_digest, what.plan_digest, o_.rank));
    if (auto costs = known.read(); !costs.empty()) return costs;
    rehearsal watch;
    link.mute(true);
    const double begin = now();
    for (std::size_t runs = 0; runs < 5 || (runs < 5000 && now() - begin < o_.rehearsal_seconds); ++runs) {
      watch.start();
      take(made.run(image, watch));
    }
    link.mute(false);
    auto costs = watch.costs();
    known.write(costs);
    return costs;
  }

  /// When others rehearse on this machine, nothing is timed.
  void wait_for_go() const {
    if (o_.rank != 0) return;
    fmt::print("ready\n");
    std::fflush(stdout);
    std::string line;
    if (!std::getline(std::cin, line)) throw failure("nobody said when to go on");
  }

  link_shape shape() const {
    if (!o_.is_shaped || setup_.cluster.size() < 2) return {};
    const iop::link& joint = setup_.cluster.between(0, 1);
    return {joint.message.seconds, o_.own_message_us * 1e-6, joint.bandwidth.bytes_per_second,
            o_.is_kernel_shaped};
  }

  void connect(const iop::comm::identity& what) {
    iop::comm::tcp_listener listener;
    check(listener.open({o_.host, 0}));
    fmt::print("port {}\n", listener.port());
    std::fflush(stdout);
    std::string line;
    if (!std::getline(std::cin, line)) throw failure("nobody said where the other devices are");
    iop::comm::tcp_options limits;
    limits.exchange_time_out = std::chrono::milliseconds(o_.time_out_ms);
    limits.connect_time_out = limits.exchange_time_out;
    check(mesh_.connect(std::move(listener), o_.rank, lenet5::parse_endpoints(line), what, limits));
  }

  /// All ranks have done what they were told, and take rank 0's next order. Meeting leaves cold caches
  /// behind, which inferences of a fraction of a millisecond would notice: they are ordered many at once.
  void agree(order& next) {
    std::byte done{};
    const auto bytes = std::as_writable_bytes(std::span(&next, 1));
    std::vector<iop::comm::outgoing> out;
    std::vector<iop::comm::incoming> in;
    if (o_.rank != 0) {
      out.push_back({0, std::span(&done, 1)});
      in.push_back({0, bytes});
      check(mesh_.exchange(meeting, out, {}));
      check(mesh_.exchange(meeting, {}, in));
      return;
    }
    for (std::size_t r = 1; r < mesh_.size(); ++r) {
      in.push_back({r, std::span(&done, 1)});
      out.push_back({r, bytes});
    }
    check(mesh_.exchange(meeting, {}, in));
    check(mesh_.exchange(meeting, out, {}));
  }

  /// What rank 0 decides on after so many runs.
  order decide(double begin) const {
    const std::size_t runs = latencies_.size();
    const bool is_enough = runs >= o_.most_runs || (runs >= o_.least_runs && now() - begin >= o_.seconds);
    order next;
    next.shown_run = runs > 0 ? median_run() : 0;
    const double typical = runs > 0 ? latencies_[next.shown_run] : 1;
    next.runs = is_enough ? 0 : std::clamp<std::size_t>(static_cast<std::size_t>(0.01 / typical), 1, 100);
    return next;
  }

  void meet(order& next, double begin) {
    if (o_.rank == 0) {
      next = decide(begin);
      fmt::print("progress {}\n", latencies_.size());
      std::fflush(stdout);
    }
    agree(next);
  }

  std::size_t median_run() const {
    std::vector<std::size_t> order(latencies_.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::ranges::sort(order, {}, [&](std::size_t i) { return latencies_[i]; });
    return order[(order.size() - 1) / 2];
  }

  nlohmann::json steps_of(std::size_t run) const {
    const auto& net = iop_bench::find_network(o_.network);
    nlohmann::json steps = nlohmann::json::array();
    for (const recorded_step& each : steps_[run])
      steps.push_back({{"step", each.step.number},
                       {"operator", each.step.tensor},
                       {"kind", each.step.is_exchange ? "exchange" : iop::name_of(each.step.what)},
                       {"name", net.names[each.step.tensor].view()},
                       {"begin", each.begin},
                       {"end", each.end},
                       {"computed", each.computed}});
    return steps;
  }

  nlohmann::json result(const planned_rank& made, const iop::comm::traffic& own, std::size_t shown) const {
    const auto runs = static_cast<double>(latencies_.size());
    nlohmann::json all = {{"rank", o_.rank},
                          {"weight_bytes", made.weight_bytes()},
                          {"arena_bytes", made.arena_bytes()},
                          {"resident_bytes", resident_bytes()},
                          {"messages_sent", static_cast<double>(own.messages_sent) / runs},
                          {"bytes_sent", static_cast<double>(own.bytes_sent) / runs},
                          {"late_s", std::accumulate(lateness_.begin(), lateness_.end(), 0.0) / runs}};
    all["steps"] = steps_of(shown);
    if (o_.rank == 0) {
      all["latencies_s"] = latencies_;
      all["scores"] = scores_;
      const auto slowest = std::ranges::max_element(latencies_);
      all["slowest_steps"] = steps_of(static_cast<std::size_t>(slowest - latencies_.begin()));
    }
    return all;
  }

  static constexpr std::size_t meeting = 1'000'000;  // no plan has so many steps

  const options& o_;
  const what_if::setup& setup_;
  iop::comm::tcp_mesh mesh_;
  std::vector<float> scores_;
  std::vector<double> latencies_, lateness_;
  std::vector<std::vector<recorded_step>> steps_;
};

}  // namespace

int main(int argc, char** argv) {
  options o;
  CLI::App app("One emulated device of a cluster; bench/cluster/run.py starts it.");
  std::vector<std::string> policies, networks;
  for (const iop::policy each : iop::all_policies) policies.emplace_back(iop::name_of(each));
  for (const auto& each : iop_bench::networks()) networks.emplace_back(each.name);
  app.add_option("--network", o.network)->required()->check(CLI::IsMember(networks));
  app.add_option("--policy", o.policy)->required()->check(CLI::IsMember(policies));
  app.add_option("--cluster", o.cluster, "JSON file as iop-plan reads it")->required();
  app.add_option("--weights", o.weights, "safetensors file")->required();
  app.add_option("--rank", o.rank)->required();
  app.add_option("--host", o.host, "address of this device");
  app.add_option("--least-runs", o.least_runs)->check(CLI::PositiveNumber);
  app.add_option("--most-runs", o.most_runs)->check(CLI::PositiveNumber);
  app.add_option("--seconds", o.seconds, "run at least so long");
  app.add_option("--factor", o.factor, "times that a step takes longer than here; 0: as fast as here");
  app.add_option("--turn", o.turn, "file by which the devices rehearse in turn");
  app.add_option("--costs", o.costs, "where files begin that remember what steps cost");
  app.add_option("--rehearsal-seconds", o.rehearsal_seconds, "for which a step is repeated");
  app.add_option("--own-message-us", o.own_message_us, "what a message takes without slowing");
  app.add_option("--time-out", o.time_out_ms, "milliseconds to wait for a peer");
  app.add_flag("--shaped", o.is_shaped, "slow the link down to the cluster's");
  app.add_flag("--kernel-shaped", o.is_kernel_shaped, "the kernel sees to the bytes");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& problem) {
    return app.exit(problem) == 0 ? 0 : 2;
  }
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  prctl(PR_SET_TIMERSLACK, 1);
  try {
    const what_if::setup s = what_if::read_cluster(o.cluster);
    if (o.rank >= s.cluster.size()) throw failure(fmt::format("there is no rank {}", o.rank));
    fmt::print("result {}\n", trial(o, s).run().dump());
    return 0;
  } catch (const std::exception& reason) {
    fmt::print(stderr, "{}\n", reason.what());
    return 1;
  }
}
