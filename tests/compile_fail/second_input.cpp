// SPDX-License-Identifier: MIT
// error: iop: this cannot be; the reason is the quoted sentence.
// error(gcc): input<1, 4, 4> stands behind another operator: a network has one input, at the start.
// error(clang): another operator: a network has
#include <iop/model/network.hpp>

using namespace iop::model;

#ifdef IOP_TWIN
struct example : network<input<1, 4, 4>, conv2d<2>> {};
#else
struct example : network<input<1, 4, 4>, conv2d<2>, input<1, 4, 4>> {};
#endif

constexpr auto parameters = parameter_count(example::spec.list());
