// SPDX-License-Identifier: MIT
// error: iop: this cannot be; the reason is the quoted sentence.
// error(gcc): concat: branch 1 makes 8x8 pixels but branch 2 makes 6x6: give them the same strides and
// error(gcc): matching pads.
// error(clang): concat: branch 1 makes 8x8
// error(clang): pixels but branch 2 makes 6x6:
// error(clang): give them the same strides and
// error(clang): matching pads.
#include <iop/model/network.hpp>

using namespace iop::model;

#ifdef IOP_TWIN
struct example : network<input<4, 8, 8>, concat<branch<conv2d<6>>, branch<conv2d<2, kernel<3>, pad<1>>>>> {};
#else
struct example : network<input<4, 8, 8>, concat<branch<conv2d<6>>, branch<conv2d<2, kernel<3>>>>> {};
#endif

constexpr auto parameters = parameter_count(example::spec.list());
