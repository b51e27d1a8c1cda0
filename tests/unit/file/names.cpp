// SPDX-License-Identifier: MIT
#include <iop/file/names.hpp>

#include "catch.hpp"

#include <array>
#include <cstddef>
#include <string>
#include <string_view>

using iop::file::edit_distance;
using iop::file::shown;

TEST_CASE("a short name is shown as it is") {
  CHECK(shown("conv1.weight").view() == "conv1.weight");
  CHECK(shown(std::string(60, 'a')).view() == std::string(60, 'a'));
}

TEST_CASE("a long name keeps its end") {
  const auto name = shown(std::string(1000, 'a') + "/weights.safetensors");
  CHECK(name.view().size() == 60);
  CHECK(name.view().starts_with("...aaa"));
  CHECK(name.view().ends_with("a/weights.safetensors"));
}

TEST_CASE("a long name is not cut within a character") {
  std::string name = "a";
  for (int i = 0; i < 40; ++i) name += "ä";  // two bytes each
  const auto cut = shown(name);
  CHECK(cut.view().starts_with("...ä"));
  CHECK(cut.view().size() == 59);
}

TEST_CASE("control characters do not reach the terminal") {
  CHECK(shown(std::string_view("a\0b\n\x1b[2J\x7f", 9)).view() == "a?b??[2J?");
  CHECK(shown("caf\u00e9 \u0085|\u009b|\u200e\u2028\u202e|\u2066\u2069").view() == "caf\u00e9 ?|?|???|??");
  CHECK(shown("\u00a0\u200d\u2027\u202f\u2065\u206a").view() == "\u00a0\u200d\u2027\u202f\u2065\u206a");
  CHECK(shown("cut \xc2").view() == "cut \xc2");
  CHECK(shown("cut \xe2\x80").view() == "cut \xe2\x80");
}

TEST_CASE("a shape is shown as Python prints it") {
  CHECK(shown(std::array<std::size_t, 4>{16, 6, 5, 5}).view() == "[16, 6, 5, 5]");
  CHECK(shown(std::array<std::size_t, 0>{}).view() == "[]");
}

TEST_CASE("edit distance counts insertions, deletions, substitutions and swaps") {
  CHECK(edit_distance("", "") == 0);
  CHECK(edit_distance("", "abc") == 3);
  CHECK(edit_distance("abc", "") == 3);
  CHECK(edit_distance("kitten", "sitting") == 3);
  CHECK(edit_distance("conv1.weight", "conv1.weigth") == 1);
  CHECK(edit_distance("ab", "ba") == 1);
  CHECK(edit_distance("fc1.bais", "fc1.bias") == 1);
  CHECK(edit_distance("abcd", "badc") == 2);
  CHECK(edit_distance("ca", "abc") == 3);  // a swapped pair is not edited again
}
