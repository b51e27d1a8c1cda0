// SPDX-License-Identifier: MIT
// error: iop: residual takes one project<...> at most.
#include <iop/model/network.hpp>

using namespace iop::model;

#ifdef IOP_TWIN
struct example : network<input<4, 8, 8>, residual<project<conv2d<6>>, conv2d<6>>> {};
#else
struct example : network<input<4, 8, 8>, residual<project<conv2d<6>>, conv2d<6>, project<conv2d<6>>>> {};
#endif

constexpr auto parameters = parameter_count(example::spec.list());
