// SPDX-License-Identifier: MIT
#include <iop/core/text.hpp>

#include <cstring>

#include "catch.hpp"

using iop::text;

TEST_CASE("text cuts off what does not fit and stays terminated", "[core]") {
  text<5> t("abc");
  t.append("defg").append("h");
  CHECK(t.view() == "abcde");
  CHECK(std::strlen(t.c_str()) == 5);
  t = text<5>{};
  CHECK(t.empty());
  CHECK(t.append(123456789u).view() == "12345");
  CHECK(text<0>{}.append("x").empty());
}

TEST_CASE("numbers in text", "[core]") {
  CHECK(iop::sentence(0u).view() == "0");
  CHECK(iop::sentence(10u, "/", 9u).view() == "10/9");
  CHECK(iop::sentence(18446744073709551615u).view() == "18446744073709551615");
  CHECK(text<40>{}.append_hex(0).view() == "0000000000000000");
  CHECK(text<40>{}.append("0x").append_hex(0xfedcba9876543210u).view() == "0xfedcba9876543210");
}

TEST_CASE("a sentence of words and numbers", "[core]") {
  const text<7> word("rank");
  CHECK(iop::sentence(word.view(), " ", std::size_t{3}, ".").view() == "rank 3.");
  CHECK(iop::sentence<9>("needs ", 123456u).view() == "needs 123");
}

TEST_CASE("texts are equal when their characters are", "[core]") {
  CHECK(text<8>("ab") == text<8>{}.append("a").append("b"));
  CHECK_FALSE(text<8>("ab") == text<8>("abc"));
  CHECK_FALSE(text<8>("ab") == text<8>("ac"));
  CHECK(text("four").view().size() == 4);  // deduced without the zero
}
