// SPDX-License-Identifier: MIT
#include <iop/model/options.hpp>

#include <array>

#include "catch.hpp"

using namespace iop::model;

TEST_CASE("one number means both, four are top, left, bottom, right", "[model]") {
  const auto pads = [](const settings& s) {
    return std::array{s.win.pad_top, s.win.pad_left, s.win.pad_bottom, s.win.pad_right};
  };
  CHECK(pads(gather<pad<2>>()) == std::array<std::size_t, 4>{2, 2, 2, 2});
  CHECK(pads(gather<pad<1, 3>>()) == std::array<std::size_t, 4>{1, 3, 1, 3});
  CHECK(pads(gather<pad<1, 2, 3, 4>>()) == std::array<std::size_t, 4>{1, 2, 3, 4});
  const settings s = gather<kernel<3, 5>, stride<2>, dilation<1, 4>>();
  CHECK(s.win == iop::window{3, 5, 2, 2, 1, 4});
}

TEST_CASE("pooling steps by its kernel unless told otherwise", "[model]") {
  CHECK(pool_settings<3>().win.stride_height == 3);
  CHECK(pool_settings<3, pad<1>>().win.stride_width == 3);
  CHECK(pool_settings<3, stride<2>>().win.stride_height == 2);
  CHECK(pool_settings<3, stride<1>, ceil_mode>().win.stride_width == 1);
  CHECK(pool_settings<3, ceil_mode>().ceil);
  CHECK_FALSE(pool_settings<3, exclude_padding>().count_padding);
}

TEST_CASE("defaults of the other options, and how to leave them", "[model]") {
  const settings none = gather<>();
  CHECK(none.bias);
  CHECK(none.groups == 1);
  CHECK(none.count_padding);
  CHECK_FALSE(none.ceil);
  const settings all = gather<no_bias, groups<4>, name<"features.0">>();
  CHECK_FALSE(all.bias);
  CHECK(all.groups == 4);
  CHECK(all.name == "features.0");
}

TEST_CASE("the same option twice is noticed, also with other numbers", "[model]") {
  CHECK(are_distinct<kernel<3>, stride<3>, pad<3>, no_bias>());
  CHECK(are_distinct<>());
  CHECK_FALSE(are_distinct<kernel<3>, stride<2>, kernel<3>>());
  CHECK_FALSE(are_distinct<stride<1, 2>, stride<2>>());
}
