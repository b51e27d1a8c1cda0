// SPDX-License-Identifier: MIT
// error: iop: conv2d was given the same option twice.
#include <iop/model/network.hpp>

using namespace iop::model;

#ifdef IOP_TWIN
struct example : network<input<4, 7, 7>, conv2d<2, kernel<3>, stride<2>>> {};
#else
struct example : network<input<4, 7, 7>, conv2d<2, kernel<3>, kernel<3>>> {};
#endif

constexpr auto parameters = parameter_count(example::spec.list());
