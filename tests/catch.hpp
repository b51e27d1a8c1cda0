// SPDX-License-Identifier: MIT
#pragma once
// The only file that includes Catch2, so that its version is a matter of one line. Debian 12 has 2.13: one
// header, <catch2/catch.hpp>, main made by CATCH_CONFIG_MAIN (tests/main.cpp). Version 3 is a compiled
// library: the header is <catch2/catch_all.hpp>, main comes from Catch2::Catch2WithMain, and `Approx` and
// matchers move to namespace Catch.
#include <catch2/catch.hpp>
