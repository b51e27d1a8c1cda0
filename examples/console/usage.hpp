// SPDX-License-Identifier: MIT
#pragma once

// What programs have in common in reading their command lines and in ending: status 0; 1 with a sentence on
// stderr when something failed, if only that stdout is full or closed; 2 for wrong usage.

#include "streams.hpp"

#include <iop/file/names.hpp>

#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include <charconv>
#include <exception>
#include <string>
#include <system_error>
#include <type_traits>

namespace console {

/// What was written, for a sentence.
inline std::string in_quotes(std::string_view words) {
  return fmt::format("'{}'", iop::file::shown(words).view());
}

/// What is wrong with a command line, which may hold anything.
inline std::string complaint(const CLI::App* /*app*/, const CLI::Error& problem) {
  return iop::file::printable(problem.what()) + "\nRun with --help for more information.\n";
}

/// Numbers from `least` to `most` as people write them: nan is none, and 010 is ten, which CLI11 would take
/// for eight.
template <class Number>
CLI::Validator number_in(Number least, Number most) {
  return CLI::Validator(
      [=](std::string& words) -> std::string {
        Number number{};
        const char* const all = words.data() + words.size();
        const auto [end, problem] = std::from_chars(words.data(), all, number);
        if (problem != std::errc() || end != all || !(number >= least && number <= most))
          return fmt::format("{} is not a {}number from {} to {}", in_quotes(words),
                             std::is_integral_v<Number> ? "whole " : "", least, most);
        words = fmt::format("{}", number);
        return {};
      },
      fmt::format("in [{} - {}]", least, most));
}

/// An option that takes a number from `least` to `most`.
template <class Number>
CLI::Option* add_number(CLI::App& app, const std::string& name, Number& value,
                        std::type_identity_t<Number> least, std::type_identity_t<Number> most,
                        const std::string& description) {
  return app.add_option(name, value, description)->transform(number_in<Number>(least, most));
}

/// An option whose value must not be empty.
inline CLI::Option* add_words(CLI::App& app, const std::string& name, std::string& value,
                              const std::string& description) {
  return app.add_option(name, value, description)->check([](const std::string& words) {
    return words.empty() ? std::string("must not be empty") : std::string();
  });
}

/// The body of main(): reads the command line and does the work, which returns the status.
template <class Work>
int run(CLI::App& app, int argc, char** argv, Work work) {
  occupy_standard_streams();
  app.failure_message(complaint);
  try {
    app.parse(argc, argv);
    return finish(work());
  } catch (const CLI::ParseError& problem) {
    return finish(app.exit(problem) == 0 ? 0 : 2);
  } catch (const std::exception& reason) {
    if (std::ferror(stdout) != 0) return finish(0);  // says which file it is
    tell(reason.what());
    tell("\n");
    return 1;
  }
}

}  // namespace console
