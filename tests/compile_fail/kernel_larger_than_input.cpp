// SPDX-License-Identifier: MIT
// error: iop: this cannot be; the reason is the quoted sentence.
// error(gcc): conv2: a 5x5 kernel does not fit the 4x4 input: use a smaller kernel or more
// error(gcc): padding.
// error(clang): conv2: a 5x5 kernel does not
// error(clang): fit the 4x4 input: use a
// error(clang): smaller kernel or more padding.
#include <iop/model/network.hpp>

using namespace iop::model;

#ifdef IOP_TWIN
struct example : network<input<1, 6, 6>, conv2d<4, kernel<3>>, conv2d<4, kernel<5>, pad<1>>> {};
#else
struct example : network<input<1, 6, 6>, conv2d<4, kernel<3>>, conv2d<4, kernel<5>>> {};
#endif

constexpr auto parameters = parameter_count(example::spec.list());
