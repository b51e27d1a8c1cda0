// SPDX-License-Identifier: MIT
// error: iop: a network begins with input<channels, height, width>.
// never: not a constant expression
// never: subscript
#include <iop/model/network.hpp>

using namespace iop::model;

#ifdef IOP_TWIN
struct example : network<input<1, 28, 28>, conv2d<6, kernel<5>>, relu> {};
#else
struct example : network<conv2d<6, kernel<5>>, relu> {};
#endif

constexpr auto count = example::spec.size();
