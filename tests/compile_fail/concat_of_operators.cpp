// SPDX-License-Identifier: MIT
// error: iop: concat takes branch<...>, branch<...>
#include <iop/model/network.hpp>

using namespace iop::model;

#ifdef IOP_TWIN
struct example : network<input<4, 8, 8>, concat<branch<conv2d<6>>, branch<>>> {};
#else
struct example : network<input<4, 8, 8>, concat<conv2d<6>, branch<>>> {};
#endif

constexpr auto parameters = parameter_count(example::spec.list());
