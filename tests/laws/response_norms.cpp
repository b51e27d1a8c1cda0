// SPDX-License-Identifier: MIT
#include "distributed.hpp"

TEST_CASE("response_norms computes the same on any devices under any policy", "[laws]") {
  iop_test::check_on<iop_test::response_norms, 2, 3, 5>();
}
