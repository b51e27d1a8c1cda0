// SPDX-License-Identifier: MIT
#include <iop/core/result.hpp>

#include <utility>
#include <vector>

#include "catch.hpp"

using iop::errc;
using iop::error;
using iop::result;

TEST_CASE("a result is a value or the reason why there is none", "[core]") {
  const result<int> value = 7;
  REQUIRE(value);
  CHECK(*value == 7);
  CHECK_FALSE(value.error());

  const result<int> none = iop::make_error(errc::bad_file, "line ", 12u, " is torn");
  REQUIRE_FALSE(none);
  CHECK(none.error().code == errc::bad_file);
  CHECK(none.error().message.view() == "line 12 is torn");
}

TEST_CASE("an error knows no rank and no step until told", "[core]") {
  const error e = iop::make_error(errc::time_out);
  CHECK(e);
  CHECK(e.rank == error::nowhere);
  CHECK(e.step == error::nowhere);
  CHECK(e.message.empty());
  CHECK_FALSE(error{});
}

TEST_CASE("a result gives access to members and lets go of its value", "[core]") {
  result<std::vector<int>> r = std::vector<int>(42, 7);
  CHECK(r->size() == 42);
  r->resize(4);
  CHECK(std::vector<int>(std::move(*r)) == std::vector<int>(4, 7));
}
