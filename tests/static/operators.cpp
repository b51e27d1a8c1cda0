// SPDX-License-Identifier: MIT
// What operators read and hold, as constants.
#include <iop/spec/operators.hpp>

namespace {

using iop::box;
using iop::kind;
using iop::op;

constexpr op conv2d(iop::shape in, iop::shape out, iop::window win, std::size_t groups) {
  return {kind::conv2d, iop::activation::none, {}, in, out, win, groups, true, true};
}

constexpr iop::window three{3, 3, 1, 1, 1, 1, 1, 1, 1, 1};
constexpr op plain = conv2d({8, 10, 10}, {16, 10, 10}, three, 1);
constexpr op grouped = conv2d({8, 10, 10}, {16, 10, 10}, three, 4);
constexpr op depthwise = conv2d({8, 10, 10}, {16, 10, 10}, three, 8);
constexpr op dense{kind::dense, iop::activation::none, {}, {8, 10, 10}, {5, 1, 1}, {10, 10}, 1, true, true};
constexpr op pool{
    kind::max_pool, iop::activation::none, {}, {8, 10, 10}, {8, 5, 5}, {2, 2, 2, 2}, 1, false, true};

static_assert(needed_input(plain, {{4, 6}, {3, 9}}) == box{{3, 7}, {0, 8}});
static_assert(needed_input(plain, {{0, 1}, {3, 9}}) == box{{0, 2}, {0, 8}});
static_assert(needed_input(grouped, {{4, 6}, {3, 9}}) == box{{3, 7}, {0, 6}});  // groups 0, 1 and 2
static_assert(needed_input(grouped, {{4, 6}, {4, 8}}) == box{{3, 7}, {2, 4}});
static_assert(needed_input(depthwise, {{4, 6}, {5, 6}}) == box{{3, 7}, {2, 3}});
static_assert(needed_input(dense, {{0, 1}, {2, 3}}) == box{{0, 10}, {0, 8}});
static_assert(needed_input(pool, {{1, 3}, {2, 5}}) == box{{2, 6}, {2, 5}});
static_assert(needed_input(plain, {{4, 4}, {3, 9}}).empty());
static_assert(needed_input(dense, {}).empty());

static_assert(parameter_count(plain) == 16 * 8 * 9 + 16);
static_assert(parameter_count(grouped) == 16 * 2 * 9 + 16);
static_assert(parameter_count(depthwise) == 16 * 9 + 16);
static_assert(parameter_count(dense) == 5 * 800 + 5);
static_assert(parameter_count(pool) == 0);

static_assert(is_depthwise(depthwise) && !is_depthwise(grouped) && !is_depthwise(plain));
static_assert(is_channelwise(depthwise) && is_channelwise(pool) && !is_channelwise(grouped) &&
              !is_channelwise(dense));
static_assert(has_partial_sums(plain) && has_partial_sums(dense) && !has_partial_sums(grouped) &&
              !has_partial_sums(pool));
static_assert(channel_unit(plain) == 1 && channel_unit(grouped) == 4 && channel_unit(depthwise) == 2);
static_assert(has_rows(plain) && has_rows(pool) && !has_rows(dense));

// A convolution of one channel is no depthwise one: its only group may be summed over.
static_assert(!is_depthwise(conv2d({1, 10, 10}, {4, 10, 10}, three, 1)));

}  // namespace
