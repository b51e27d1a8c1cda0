// SPDX-License-Identifier: MIT
#include <iop/comm/notice.hpp>
#include <iop/comm/transport.hpp>

#include "catch.hpp"

#include <array>
#include <span>

using namespace iop::comm;
using iop::errc;

TEST_CASE("a notice reads as a sentence", "[comm]") {
  const iop::error reason = to_error({errc::time_out, 1, 2, 3}, 0);
  CHECK(reason.message.view() == "rank 1 gave up in step 3: rank 2 did not answer in time");
  CHECK(reason.code == errc::time_out);
  CHECK(reason.rank == 2);
  CHECK(reason.step == 3);
  CHECK(to_error({errc::protocol, 1, 0, iop::error::nowhere}, 0).message.view() ==
        "rank 1 gave up while connecting: rank 0 (this one) sent what was not expected");
  const iop::error vague = to_error({errc::system, 1, iop::error::nowhere, iop::error::nowhere}, 0);
  CHECK(vague.message.view() == "rank 1 gave up while connecting");
  CHECK(vague.rank == 1);
}

TEST_CASE("the messages of one peer are found in order", "[comm]") {
  const std::array<outgoing, 4> list{outgoing{1, {}}, outgoing{2, {}}, outgoing{1, {}}, outgoing{0, {}}};
  const std::span<const outgoing> all(list);
  CHECK(next_for(1, all, 0) == 0);
  CHECK(next_for(1, all, 1) == 2);
  CHECK(next_for(1, all, 3) == 4);
  CHECK(next_for(3, all, 0) == 4);
  CHECK_FALSE(check_peers(all, 3, 4, 0));
  CHECK(check_peers(all, 2, 4, 0).message.view() == "rank 2 of 4 cannot exchange with rank 2 in step 0");
  CHECK(check_peers(all, 3, 2, 5).code == errc::bad_argument);
}
