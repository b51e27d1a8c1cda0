// SPDX-License-Identifier: MIT
// main of every test program, compiled once.
#define CATCH_CONFIG_MAIN
#include "catch.hpp"
