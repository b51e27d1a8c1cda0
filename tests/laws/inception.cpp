// SPDX-License-Identifier: MIT
#include "distributed.hpp"

TEST_CASE("inception computes the same on any devices under any policy", "[laws]") {
  iop_test::check_on<iop_test::inception, 2, 3, 5>();
}
