// SPDX-License-Identifier: MIT
#include <iop/core/fixed_vector.hpp>

#include <numeric>

#include "catch.hpp"

using iop::fixed_vector;

TEST_CASE("a fixed_vector grows to its capacity and shrinks", "[core]") {
  fixed_vector<int, 3> v;
  CHECK(v.empty());
  v.push_back(4) = 5;
  v.push_back(6);
  v.push_back(7);
  CHECK(v.size() == v.capacity());
  CHECK(std::accumulate(v.begin(), v.end(), 0) == 18);
  CHECK(v[0] == 5);
  v.pop_back();
  CHECK(v.back() == 6);
  v.clear();
  CHECK(v.begin() == v.end());
}

TEST_CASE("fixed_vectors compare what they hold and nothing behind it", "[core]") {
  fixed_vector<int, 3> a, b;
  a.push_back(1);
  b.push_back(1);
  b.push_back(2);
  CHECK_FALSE(a == b);
  b.pop_back();  // the 2 stays in the storage
  CHECK(a == b);
  b.back() = 3;
  CHECK_FALSE(a == b);
}

TEST_CASE("no capacity is a capacity", "[core]") {
  const fixed_vector<int, 0> none;
  CHECK(none.empty());
  CHECK(none.capacity() == 0);
}
