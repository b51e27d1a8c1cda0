// SPDX-License-Identifier: MIT
#pragma once

// The devices of one run as child processes: starts them, tells each where the others listen, collects what
// they say, and sees to it that all have ended when `run` returns, however that comes about: done, a device
// failed or was killed, SIGINT or SIGTERM, or nothing has happened for too long. Once a device has failed,
// the others get the time to say what they saw of it.

#include "deployments.hpp"
#include "process.hpp"

#include <fmt/format.h>
#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>
#include <nlohmann/json.hpp>

#include <chrono>
#include <csignal>
#include <cstddef>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <list>
#include <string>
#include <utility>
#include <vector>

namespace lenet5 {

namespace asio = boost::asio;

/// What to run, and how long to wait for it.
struct job {
  std::filesystem::path programs{};  ///< the folder of the device programs
  std::size_t devices = 3;
  std::vector<std::string> arguments{};  ///< of every device
  std::chrono::milliseconds time_out{};  ///< of the devices
};

/// How it went: with no complaints and no signal, `results` has what each device reported, by rank.
struct outcome {
  std::vector<nlohmann::json> results{};
  std::vector<std::string> complaints{};
  int signal = 0;
};

class crew {
 public:
  crew(asio::io_context& context, asio::signal_set& signals, const job& what,
       std::function<void(std::size_t)> progress)
      : context_(context), signals_(signals), timer_(context), what_(what), progress_(std::move(progress)) {}

  outcome run() {
    context_.restart();
    signals_.async_wait([this](boost::system::error_code failed, int signal) {
      if (failed) return;
      outcome_.signal = signal;
      kill_all(ending::unwanted);
    });
    for (std::size_t rank = 0; rank < what_.devices; ++rank) start(rank);
    allow(what_.time_out);
    while (open_streams_ > 0) context_.run_one();
    timer_.cancel();
    signals_.cancel();
    context_.poll();
    complain();
    return std::move(outcome_);
  }

 private:
  // By itself, killed since nobody needs it, killed since it took too long.
  enum class ending { own, unwanted, late };

  struct member {
    member(asio::io_context& context, std::size_t number, process&& started)
        : rank(number),
          child(std::move(started)),
          in(context, child.take(0).release()),
          out(context, child.take(1).release()),
          err(context, child.take(2).release()) {}

    std::size_t rank;
    process child;
    asio::posix::stream_descriptor in, out, err;
    std::string said{}, sentence{};
    std::string port{};
    nlohmann::json result{};
    ending how = ending::own;
    int status = 0;
    int streams = 2;
  };

  void start(std::size_t rank) {
    const auto program = what_.programs / fmt::format("lenet5-device-{}-{}", what_.devices, rank);
    std::vector<std::string> words = {program.string(), "--launched"};
    words.insert(words.end(), what_.arguments.begin(), what_.arguments.end());
    member& m = members_.emplace_back(context_, rank, process(std::move(words)));
    open_streams_ += 2;
    hear_line(m);
    asio::async_read(m.err, asio::dynamic_buffer(m.sentence, 64 << 10),
                     [this, &m](boost::system::error_code, std::size_t) { close(m, m.err); });
  }

  void hear_line(member& m) {
    asio::async_read_until(m.out, asio::dynamic_buffer(m.said, 1 << 20), '\n',
                           [this, &m](boost::system::error_code failed, std::size_t length) {
                             if (failed) return close(m, m.out);
                             understand(m, m.said.substr(0, length - 1));
                             m.said.erase(0, length);
                             hear_line(m);
                           });
  }

  void understand(member& m, const std::string& line) {
    const std::size_t space = line.find(' ');
    const std::string word = line.substr(0, space);
    const std::string rest = space == line.npos ? std::string() : line.substr(space + 1);
    if (word == "port") {
      m.port = rest;
      introduce();
    } else if (word == "progress") {
      progress_(std::strtoull(rest.c_str(), nullptr, 10));
      if (!failed_) allow_an_image();
    } else if (word == "result") {
      m.result = nlohmann::json::parse(rest, nullptr, false);
      if (m.rank == 0 && !failed_) allow(what_.time_out);  // the others have no more to do
    }
  }

  /// Tells everyone where everyone listens, as soon as that is known.
  void introduce() {
    std::string line;
    for (const member& m : members_) {
      if (m.port.empty()) return;
      line += (line.empty() ? "127.0.0.1:" : ",127.0.0.1:") + m.port;
    }
    if (members_.size() < what_.devices) return;
    line += '\n';
    for (member& m : members_) {  // a line fits the pipe, so that this does not block
      boost::system::error_code gone;
      m.in.write_some(asio::buffer(line), gone);
    }
    introduced_ = true;
    allow_an_image();
  }

  void close(member& m, asio::posix::stream_descriptor& stream) {
    boost::system::error_code ignored;
    stream.close(ignored);
    --open_streams_;
    if (--m.streams > 0) return;
    m.status = m.child.wait();  // it closes both only at its end
    const bool failed = m.status != 0 || !m.result.is_object();
    if (!failed || failed_) return;
    failed_ = true;
    if (!introduced_) return kill_all(ending::unwanted);  // the others wait for words that will not come
    allow(what_.time_out);
  }

  /// From now until the next news: to start, to end. A second more than the devices allow each other.
  void allow(std::chrono::milliseconds limit) {
    timer_.expires_after(limit + std::chrono::seconds(1));
    timer_.async_wait([this](boost::system::error_code cancelled) {
      if (cancelled) return;
      failed_ = true;
      kill_all(ending::late);
    });
  }
  /// Connecting, or an image with an exchange or two that nearly fail.
  void allow_an_image() { allow(3 * what_.time_out); }

  void kill_all(ending how) {
    for (member& m : members_) {
      if (m.streams == 0 || m.how != ending::own) continue;
      const bool waits_for_others = !introduced_ && !m.port.empty();
      m.how = waits_for_others ? ending::unwanted : how;
      m.child.kill();
    }
  }

  /// One sentence for each device that did not do its work; the same sentence only once.
  void complain() {
    std::vector<std::pair<std::string, std::string>> all;  // who, what
    for (member& m : members_) {
      outcome_.results.push_back(m.result);
      while (!m.sentence.empty() && m.sentence.back() == '\n') m.sentence.pop_back();
      std::string what = m.sentence;
      if (m.how == ending::late) {
        what = fmt::format("did not {} in time and was stopped", m.port.empty() ? "start" : "end");
      } else if (what.empty() && m.how == ending::own) {
        if (WIFSIGNALED(m.status))
          what = fmt::format("was killed by signal {}", WTERMSIG(m.status));
        else if (WEXITSTATUS(m.status) != 0)
          what = fmt::format("ended with status {}", WEXITSTATUS(m.status));
        else if (!m.result.is_object())
          what = "ended without a result";
      }
      if (what.empty()) continue;
      const std::string who = fmt::format("{} (rank {})", boards[m.rank].name, m.rank);
      if (!all.empty() && all.back().second == what)
        all.back().first += ", " + who;
      else
        all.emplace_back(who, what);
    }
    for (const auto& [who, what] : all) outcome_.complaints.push_back(who + ": " + what);
  }

  asio::io_context& context_;
  asio::signal_set& signals_;
  asio::steady_timer timer_;
  const job& what_;
  std::function<void(std::size_t)> progress_;
  std::list<member> members_;
  int open_streams_ = 0;
  bool introduced_ = false;
  bool failed_ = false;
  outcome outcome_;
};

}  // namespace lenet5
