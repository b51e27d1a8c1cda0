// SPDX-License-Identifier: MIT
#include <iop/core/digest.hpp>

#include "catch.hpp"

using iop::digest;

TEST_CASE("characters are digested as FNV-1a says", "[core]") {
  // A text is followed by its length as eight bytes; these published values are of the text alone.
  const auto with_length = [](std::uint64_t of_text, std::uint64_t length) {
    digest d;
    d.value = of_text;
    return d.add(length);
  };
  CHECK(digest{}.value == 0xcbf29ce484222325u);
  CHECK(digest{}.add("a") == with_length(0xaf63dc4c8601ec8cu, 1));
  CHECK(digest{}.add("foobar") == with_length(0x85944171f73967e8u, 6));
}

TEST_CASE("order, width and boundaries count", "[core]") {
  CHECK_FALSE(digest{}.add(1).add(2) == digest{}.add(2).add(1));
  CHECK_FALSE(digest{}.add("ab").add("c") == digest{}.add("a").add("bc"));
  CHECK_FALSE(digest{}.add(0) == digest{}.add(0).add(0));
  CHECK_FALSE(digest{}.add(std::uint64_t{1} << 63) == digest{}.add(0));
}
