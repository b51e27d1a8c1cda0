// SPDX-License-Identifier: MIT
// Each distinct operator of the measured networks on its own, in both forms if it has two: time, GFLOP/s, and
// both shares that bound it, of this core's FMA peak and of its read bandwidth. The bounds are measured again
// around every repetition, because a shared machine is not the same for long. Google Benchmark decides how
// often to run; medians are reported of the time that the thread was running, so that being interrupted does
// not count.

#include "shapes.hpp"
#include "support/probe.hpp"
#include "workload.hpp"

#include <console/outputs.hpp>
#include <console/usage.hpp>

#include <benchmark/benchmark.h>
#include <fmt/core.h>
#include <fmt/ranges.h>
#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <cstdio>
#include <memory>

namespace iop_bench {

namespace {

struct settings {
  std::vector<std::string> networks{};
  double seconds = 0.05;
  int repetitions = 5;
  std::string json{};
};

/// What one repetition said.
struct sample {
  double seconds, peak_flops, bandwidth;
};

double median(std::vector<double> values) {
  std::ranges::sort(values);
  const std::size_t half = values.size() / 2;
  return values.size() % 2 == 1 ? values[half] : (values[half - 1] + values[half]) / 2;
}

template <class Get>
double median_of(const std::vector<sample>& samples, Get get) {
  std::vector<double> values;
  for (const sample& s : samples) values.push_back(get(s));
  return median(values);
}

/// The largest errors of each form, as a share of the largest output, and what is allowed.
struct accuracy {
  double direct = 0, winograd = 0;
  static constexpr double direct_limit = 2e-6, winograd_limit = 5e-5;

  void add(const measured& m, double error) {
    double& worst = m.by_winograd ? winograd : direct;
    worst = std::max(worst, error);
  }
  void print(std::FILE* to) const {
    const auto text = [](const char* name, double error, double limit) {
      return fmt::format("{} {:.1e} (target {:.0e}: {})", name, error, limit,
                         error <= limit ? "held" : "missed");
    };
    fmt::print(to,
               "largest difference from sums in double precision, as a share of the largest output: {}{}\n",
               text("direct", direct, direct_limit),
               winograd > 0 ? text(", Winograd", winograd, winograd_limit) : std::string());
  }
};

/// Collects samples and prints a line as soon as an operator is done.
class table : public benchmark::BenchmarkReporter {
 public:
  table(const std::vector<measured>& all, std::FILE* to) : all_(all), to_(to) {}

  bool ReportContext(const Context&) override {
    fmt::print(to_, "{:<13} {:<56} {:>5} {:>9} {:>8} {:>8} {:>8} {:>11}  {}\n", "operator", "shape", "times",
               "ms", "GFLOP/s", "of peak", "GB/s", "of reading", "in");
    return true;
  }

  void ReportRuns(const std::vector<Run>& runs) override {
    std::vector<sample> samples;
    for (const Run& run : runs) {
      if (run.run_type != Run::RT_Iteration) continue;
      samples.push_back(
          {run.GetAdjustedCPUTime() * 1e-9, run.counters.at("peak"), run.counters.at("bandwidth")});
    }
    if (samples.empty()) return;  // its own statistics, which come in a second call
    const measured& m = all_.at(static_cast<std::size_t>(runs.front().family_index));
    const double flops = useful_flops(m), bytes = least_bytes(m);
    const double seconds = median_of(samples, [](const sample& s) { return s.seconds; });
    const double of_peak =
        median_of(samples, [&](const sample& s) { return flops / s.seconds / s.peak_flops; });
    const double of_reading =
        median_of(samples, [&](const sample& s) { return bytes / s.seconds / s.bandwidth; });
    samples_.insert(samples_.end(), samples.begin(), samples.end());
    fmt::print(to_, "{:<13} {:<56} {:>5} {:>9.4f} {:>8.1f} {:>7.1f}% {:>8.1f} {:>10.1f}%  {}\n",
               iop::name_of(m.what.what), shape_text(m), m.count, seconds * 1e3, flops / seconds * 1e-9,
               of_peak * 100, bytes / seconds * 1e-9, of_reading * 100, fmt::join(m.networks, " "));
    std::fflush(to_);
    rows_.push_back({{"operator", iop::name_of(m.what.what)},
                     {"shape", shape_text(m)},
                     {"ms", seconds * 1e3},
                     {"gflops", flops / seconds * 1e-9},
                     {"share_of_peak", of_peak},
                     {"share_of_bandwidth", of_reading}});
  }

  void Finalize() override {
    if (samples_.empty()) return;
    fmt::print(
        to_,
        "\nmedians of the bounds: {:.1f} GFLOP/s of multiply-adds in registers, {:.1f} GB/s of reading memory"
        " (more than 100 % of it comes from caches)\n",
        median_of(samples_, [](const sample& s) { return s.peak_flops; }) * 1e-9,
        median_of(samples_, [](const sample& s) { return s.bandwidth; }) * 1e-9);
  }

  const nlohmann::json& rows() const { return rows_; }

 private:
  const std::vector<measured>& all_;
  std::FILE* to_;
  std::vector<sample> samples_{};
  nlohmann::json rows_ = nlohmann::json::array();
};

void measure(const settings& s) {
  console::check_output(s.json);
  const std::vector<measured> all = distinct_operators(s.networks);
  const read_probe memory;
  // The buffers of one operator at a time: those of the largest take a gigabyte. Google Benchmark calls a
  // function several times, to find out how many iterations fill the time.
  std::unique_ptr<workload> current;
  const measured* current_is_of = nullptr;
  accuracy errors;

  for (const measured& m : all)
    benchmark::RegisterBenchmark(shape_text(m).c_str(),
                                 [&](benchmark::State& state) {
                                   if (current_is_of != &m) {
                                     current.reset();
                                     current = std::make_unique<workload>(m.what, m.by_winograd);
                                     current_is_of = &m;
                                     current->run();
                                     if (iop::is_weighted(m.what)) errors.add(m, current->error());
                                   }
                                   const double peak = measure_peak_flops(), bandwidth = memory.measure();
                                   current->run();  // brings back to the caches what belongs there
                                   for ([[maybe_unused]] const auto iteration : state) {
                                     current->run();
                                     benchmark::ClobberMemory();
                                   }
                                   state.counters["peak"] = std::max(peak, measure_peak_flops());
                                   state.counters["bandwidth"] = std::max(bandwidth, memory.measure());
                                 })
        ->MinTime(s.seconds)
        ->Repetitions(s.repetitions)
        ->Unit(benchmark::kNanosecond);

  std::FILE* const to = console::table_beside({{"--json", s.json}});
  table report(all, to);
  benchmark::RunSpecifiedBenchmarks(&report);
  errors.print(to);
  console::write_output(s.json, report.rows().dump(1) + '\n');
}

}  // namespace

}  // namespace iop_bench

int main(int argc, char** argv) {
  iop_bench::settings s;
  for (const iop_bench::network& n : iop_bench::networks()) s.networks.emplace_back(n.name);
  CLI::App app("Times each distinct operator of the networks on one thread.", "script/bench kernels");
  app.add_option("--networks", s.networks, "comma-separated; default: all")
      ->delimiter(',')
      ->check(CLI::IsMember(s.networks));
  console::add_number(app, "--seconds", s.seconds, 1e-6, 3600,
                      "of each repetition of each operator; default: 0.05");
  console::add_number(app, "--repetitions", s.repetitions, 1, 1'000'000, "default: 5");
  console::add_words(app, "--json", s.json, "write the numbers there");
  return console::run(app, argc, argv, [&] {
    int none = 1;
    char* nothing[] = {argv[0], nullptr};
    benchmark::Initialize(&none, nothing);
    iop_bench::measure(s);
    return 0;
  });
}
