// SPDX-License-Identifier: MIT
#include "distributed.hpp"

TEST_CASE("every_activation computes the same on any devices under any policy", "[laws]") {
  iop_test::check_on<iop_test::every_activation, 2, 3, 5>();
}
