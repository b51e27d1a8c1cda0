// SPDX-License-Identifier: MIT
// error: iop: conv2d takes kernel, stride, pad, dilation, groups, no_bias and name.
#include <iop/model/network.hpp>

using namespace iop::model;

#ifdef IOP_TWIN
struct example : network<input<4, 7, 7>, conv2d<2, kernel<3>>, max_pool<2, ceil_mode>> {};
#else
struct example : network<input<4, 7, 7>, conv2d<2, kernel<3>, ceil_mode>> {};
#endif

constexpr auto parameters = parameter_count(example::spec.list());
