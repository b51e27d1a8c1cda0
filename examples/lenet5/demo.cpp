// SPDX-License-Identifier: MIT
// Classifies the test images of Fashion-MNIST with LeNet-5, shared by device processes that talk TCP on this
// machine, by one policy after the other, and shows what each policy costs.
//
// Exit status: 0, 1 when something failed (the sentences on stderr say what), 2 for wrong usage, 128 + signal
// when stopped by one. No device process outlives this one.

#include "crew.hpp"
#include "deployments.hpp"
#include "report.hpp"

#include <console/outputs.hpp>
#include <console/usage.hpp>

#include <iop/file/idx.hpp>

#include <fmt/format.h>
#include <unistd.h>
#include <CLI/CLI.hpp>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <filesystem>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace {

struct options {
  std::size_t images = 10'000;
  std::size_t devices = 3;
  std::size_t time_out_ms = 10'000;
  std::string weights = IOP_SOURCE_DIR "/examples/lenet5/weights/fashion-mnist.safetensors";
  std::string data = "/usr/share/datasets/fashion-mnist";
  std::string json{};
};

/// What is done of the policy that runs, on a terminal only.
class progress_bar {
 public:
  progress_bar(std::string_view policy, std::size_t images) : policy_(policy), images_(images) { show(0); }
  ~progress_bar() {
    if (is_shown_) console::tell("\r\x1b[K");
  }
  progress_bar(const progress_bar&) = delete;
  progress_bar& operator=(const progress_bar&) = delete;

  void show(std::size_t done) const {
    constexpr std::size_t width = 40;
    const std::size_t full = std::min(done, images_) * width / images_;
    if (is_shown_)
      console::tell(fmt::format("\r{:<15} [{:#<{}}{:<{}}] {} of {} images", policy_, "", full, "",
                                width - full, done, images_));
  }

 private:
  std::string_view policy_;
  std::size_t images_;
  bool is_shown_ = isatty(STDERR_FILENO) == 1;
};

lenet5::row to_row(const options& o, iop::policy policy, const std::vector<nlohmann::json>& results) {
  lenet5::row r;
  r.policy = iop::name_of(policy);
  r.predicted = lenet5::predict(o.devices, policy);
  for (const nlohmann::json& each : results) {
    r.messages_sent += each.at("messages_sent").get<std::size_t>();
    r.bytes_sent += each.at("bytes_sent").get<std::size_t>();
    r.ranks.push_back({each.at("weight_bytes"), each.at("arena_bytes"), each.at("peak_resident_bytes")});
  }
  const nlohmann::json& camera = results.at(0);
  r.classes = camera.at("classes");
  r.accuracy = camera.at("right").get<double>() / static_cast<double>(o.images);
  r.latency_p50_ms = camera.at("latency_p50_ms");
  r.latency_p99_ms = camera.at("latency_p99_ms");
  return r;
}

/// PyTorch's classes, which lie beside the weights; empty when they do not.
std::string pytorch_classes(const options& o) {
  std::ifstream file(std::filesystem::path(o.weights).replace_extension(".classes"));
  std::string classes;
  for (char each = 0; classes.size() < o.images && file >> each;) classes += each;
  return classes.size() == o.images ? classes : std::string();
}

void print_pair(std::FILE* into, const options& o, const std::string& classes, double accuracy,
                const std::string& labels_path) {
  const std::string theirs = pytorch_classes(o);
  if (theirs.empty()) return;
  const auto labels = iop::file::read_idx_labels(labels_path);
  if (!labels) return;
  std::size_t right = 0;
  for (std::size_t i = 0; i < o.images; ++i) right += theirs[i] - '0' == (*labels)[i];
  fmt::print(into, "one device: C++ {:.4f}, PyTorch {:.4f} accurate; unequal classes: {} of {}\n", accuracy,
             static_cast<double>(right) / static_cast<double>(o.images),
             o.images - lenet5::count_equal(classes, theirs), o.images);
}

/// Runs all policies; the exit status.
int run(const options& o) {
  using std::chrono::milliseconds;
  std::signal(SIGPIPE, SIG_IGN);  // a device that has ended does not listen
  boost::asio::io_context context(1);
  boost::asio::signal_set signals(context, SIGINT, SIGTERM, SIGHUP);
  const std::string labels = o.data + "/t10k-labels-idx1-ubyte.gz";

  console::check_output(o.json);
  std::vector<lenet5::row> rows;
  for (const iop::policy policy : lenet5::policies) {
    lenet5::job job;
    job.programs = std::filesystem::read_symlink("/proc/self/exe").parent_path();
    job.devices = o.devices;
    job.arguments = {"--policy",   std::string(iop::name_of(policy)),
                     "--count",    std::to_string(o.images),
                     "--weights",  o.weights,
                     "--images",   o.data + "/t10k-images-idx3-ubyte.gz",
                     "--labels",   labels,
                     "--time-out", std::to_string(o.time_out_ms)};
    job.time_out = milliseconds(o.time_out_ms);

    lenet5::outcome got;
    {
      const progress_bar bar(iop::name_of(policy), o.images);
      got = lenet5::crew(context, signals, job, [&](std::size_t done) { bar.show(done); }).run();
    }
    if (got.signal != 0) {
      console::tell(fmt::format("stopped by signal {}\n", got.signal));
      return 128 + got.signal;
    }
    for (const std::string& each : got.complaints) console::tell(each + "\n");
    if (!got.complaints.empty()) return 1;
    rows.push_back(to_row(o, policy, got.results));
    rows.back().agreement = lenet5::count_equal(rows.front().classes, rows.back().classes);
  }

  std::FILE* table = console::table_beside({{"--json", o.json}});
  fmt::print(table, "LeNet-5 on {} devices over TCP, {} images of Fashion-MNIST\n\n", o.devices, o.images);
  lenet5::print_table(table, rows);
  print_pair(table, o, rows.front().classes, rows.front().accuracy, labels);
  console::write_output(o.json, lenet5::to_json(rows).dump(2) + '\n');
  int status = 0;
  for (const lenet5::row& r : rows) {
    if (lenet5::is_as_planned(r)) continue;
    console::tell(
        fmt::format("{}: sent {} messages and {} bytes, but the plan says {} and {} per inference\n",
                    r.policy, r.messages_sent, r.bytes_sent, r.predicted.messages, r.predicted.bytes));
    status = 1;
  }
  return status;
}

}  // namespace

int main(int argc, char** argv) {
  options o;
  CLI::App app(
      "Classifies Fashion-MNIST with LeNet-5 on several device processes, by one policy after the other.");
  console::add_number(app, "--images", o.images, 1, 10'000, "how many images")->capture_default_str();
  console::add_number(app, "--devices", o.devices, lenet5::fewest_devices, lenet5::most_devices,
                      "how many devices")
      ->capture_default_str();
  console::add_words(
      app, "--json", o.json,
      "also write the table to this file; - is stdout, the table for people goes to stderr then");
  console::add_words(app, "--weights", o.weights, "safetensors file of LeNet-5");
  console::add_words(app, "--data", o.data, "folder of the t10k-* files of Fashion-MNIST")
      ->capture_default_str();
  console::add_number(app, "--time-out", o.time_out_ms, 1, 3'600'000,
                      "milliseconds that a device waits for another")
      ->capture_default_str();
  return console::run(app, argc, argv, [&] { return run(o); });
}
