// SPDX-License-Identifier: MIT
#include "distributed.hpp"

TEST_CASE("inverted_residuals computes the same on any devices under any policy", "[laws]") {
  iop_test::check_on<iop_test::inverted_residuals, 2, 3, 5>();
}
