// SPDX-License-Identifier: MIT
#pragma once

// What the demo and its devices have in common in reading their command lines.

#include <CLI/CLI.hpp>

#include <algorithm>
#include <cstddef>
#include <string>

namespace lenet5 {

/// Whole numbers as people write them: 010 is ten, which CLI11 would take for eight; 0x10 is none.
inline CLI::Validator decimal() {
  return CLI::Validator(
      [](std::string& words) -> std::string {
        if (words.empty() || words.find_first_not_of("0123456789") != words.npos)
          return "'" + words + "' is not a whole number";
        words.erase(0, std::min(words.find_first_not_of('0'), words.size() - 1));
        return {};
      },
      "");
}

/// An option that takes a whole number from `least` to `most`.
inline CLI::Option* add_number(CLI::App& app, const std::string& name, std::size_t& value, std::size_t least,
                               std::size_t most, const std::string& description) {
  return app.add_option(name, value, description)->transform(decimal())->check(CLI::Range(least, most));
}

/// An option whose value must not be empty.
inline CLI::Option* add_words(CLI::App& app, const std::string& name, std::string& value,
                              const std::string& description) {
  return app.add_option(name, value, description)->check([](const std::string& words) {
    return words.empty() ? std::string("must not be empty") : std::string();
  });
}

}  // namespace lenet5
