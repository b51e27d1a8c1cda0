// SPDX-License-Identifier: MIT
#pragma once

// Compile-time errors in words: a sentence put together in a constant expression becomes a template argument,
// which the compiler quotes. Before C++26 a static_assert takes literals only, and numbers are what the user
// needs to see.

#include <iop/core/range.hpp>
#include <iop/core/text.hpp>

#include <algorithm>
#include <cstddef>
#include <string_view>
#include <utility>

namespace iop {

/// Never defined: using one is the error, whose line quotes the sentence.
template <text... Sentence>
struct impossible;

namespace detail {

#ifdef __clang__
/// Nothing else fails along with it.
template <class Impossible>
constexpr bool refuse_because() {
  static_assert(sizeof(Impossible*) == 0, "iop: this cannot be; the reason is the quoted sentence.");
  return true;
}
#else
/// A class of its own, so that nothing else fails along with it, with a base, which g++ quotes in the error.
template <class Impossible>
struct refusal : Impossible {
  static_assert(sizeof(Impossible*) == 0, "iop: this cannot be; the reason is the quoted sentence.");
};
template <class Impossible>
constexpr bool refuse_because() {
  return sizeof(refusal<Impossible>) > 0;
}
#endif

/// What a compiler quotes without cutting it short.
#ifdef __clang__
inline constexpr std::size_t longest_quote = 32;
#else
inline constexpr std::size_t longest_quote = 255;
#endif

/// Stretch `index` of the sentence, broken at spaces so that numbers stay whole (inside a word only if it is
/// longer than a quote); empty behind the last.
constexpr range stretch(std::string_view sentence, std::size_t index) {
  range part{};
  for (std::size_t i = 0; i <= index; ++i) {
    part = {part.end, std::min(part.end + longest_quote, sentence.size())};
    std::size_t space = part.end;
    while (space > part.begin && sentence[space - 1] != ' ') --space;
    if (part.end < sentence.size() && space > part.begin) part.end = space;
  }
  return part;
}

constexpr std::size_t stretch_count(std::string_view sentence) {
  std::size_t count = 0;
  while (!stretch(sentence, count).empty()) ++count;
  return count;
}

template <text Sentence, std::size_t Index>
constexpr auto quote() {
  constexpr range part = stretch(Sentence.view(), Index);
  return text<part.size()>(Sentence.view().substr(part.begin, part.size()));
}

template <text Sentence, std::size_t... Indices>
constexpr bool refuse(std::index_sequence<Indices...>) {
  return refuse_because<impossible<quote<Sentence, Indices>()...>>();
}

}  // namespace detail

/// Makes the compiler quote the sentence, unless it is empty; true when it is.
template <text Sentence>
constexpr bool accept() {
  if constexpr (Sentence.empty())
    return true;
  else
    return detail::refuse<Sentence>(std::make_index_sequence<detail::stretch_count(Sentence.view())>{});
}

}  // namespace iop
