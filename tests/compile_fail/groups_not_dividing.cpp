// SPDX-License-Identifier: MIT
// error: iop: this cannot be; the reason is the quoted sentence.
// error(gcc): conv1: 4 groups do not divide 6 input and 8 output channels: choose a common
// error(gcc): divisor.
// error(clang): conv1: 4 groups do not divide 6
// error(clang): input and 8 output channels:
// error(clang): choose a common divisor.
#include <iop/model/network.hpp>

using namespace iop::model;

#ifdef IOP_TWIN
struct example : network<input<6, 9, 9>, conv2d<8, kernel<3>, groups<2>>> {};
#else
struct example : network<input<6, 9, 9>, conv2d<8, kernel<3>, groups<4>>> {};
#endif

constexpr auto parameters = parameter_count(example::spec.list());
