// SPDX-License-Identifier: MIT
#include <iop/spec/units.hpp>

#include "catch.hpp"

using namespace iop::literals;

TEST_CASE("decimal prefixes are powers of 1000, bits are eighths of bytes", "[spec]") {
  CHECK((10_GFLOPs).flops_per_second == 1e10);
  CHECK((2.5_GFLOPs).flops_per_second == 2.5e9);
  CHECK(40_MFLOPs == 0.04_GFLOPs);
  CHECK((3_GBps).bytes_per_second == 3e9);
  CHECK((0.5_GBps) == 500_MBps);
  CHECK((1.5_MBps).bytes_per_second == 1.5e6);
  CHECK((100_Mbitps).bytes_per_second == 12.5e6);
  CHECK(1_Gbitps == 125_MBps);
  CHECK(2.5_Gbitps == 2500_Mbitps);
  CHECK((0.8_Mbitps).bytes_per_second == Approx(1e5));
}

TEST_CASE("binary prefixes are powers of 1024", "[spec]") {
  CHECK((3_KiB).bytes == 3072);
  CHECK(1024_KiB == 1_MiB);
  CHECK(1024_MiB == 1_GiB);
  CHECK((5_B).bytes == 5);
  CHECK((8_GiB).bytes == std::size_t{8} << 30);
}

TEST_CASE("durations", "[spec]") {
  CHECK((2_s).seconds == 2);
  CHECK((1.5_s).seconds == 1.5);
  CHECK((500_us).seconds == Approx((0.5_ms).seconds));
  CHECK((8_ms).seconds == Approx(0.008));
  CHECK((0.25_us).seconds == Approx(2.5e-7));
}
