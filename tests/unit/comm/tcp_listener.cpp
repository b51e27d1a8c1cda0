// SPDX-License-Identifier: MIT
#include <iop/comm/tcp_listener.hpp>

#include "catch.hpp"
#include "ranks.hpp"

using namespace test;
using iop::errc;

TEST_CASE("a listener on port 0 gets a port of its own and keeps it", "[comm]") {
  tcp_listener a, b;
  CHECK(a.port() == 0);
  REQUIRE_FALSE(a.open({"127.0.0.1", 0}));
  REQUIRE_FALSE(b.open({"127.0.0.1", 0}));
  CHECK(a.port() != 0);
  CHECK(a.port() != b.port());
  const std::uint16_t port = a.port();
  const tcp_listener moved = std::move(a);
  CHECK(moved.port() == port);
  CHECK_FALSE(a.is_open());  // NOLINT: that is the question
}

TEST_CASE("a port in use is an error with its number", "[comm]") {
  tcp_listener first, second;
  REQUIRE_FALSE(first.open({"127.0.0.1", 0}));
  const iop::error reason = second.open({"127.0.0.1", first.port()});
  INFO(reason.message.view());
  CHECK(reason.code == errc::system);
  CHECK(mentions(reason, "cannot listen on port " + std::to_string(first.port()) + " of 127.0.0.1: "));
  CHECK_FALSE(second.is_open());
  CHECK_FALSE(second.open({"127.0.0.1", 0}));  // and it may try again
}

TEST_CASE("an address of another machine is an error", "[comm]") {
  tcp_listener listener;
  CHECK(listener.open({"192.0.2.1", 0}).code == errc::system);  // TEST-NET-1, nobody's address
}

TEST_CASE("a listener may open names and IPv6", "[comm]") {
  tcp_listener any, named, six;
  CHECK_FALSE(any.open({"", 0}));
  CHECK_FALSE(named.open({"localhost", 0}));
  if (iop::error reason = six.open({"::1", 0})) WARN("no IPv6 here: " << reason.message.view());
}
