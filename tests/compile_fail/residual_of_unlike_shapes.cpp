// SPDX-License-Identifier: MIT
// error: iop: this cannot be; the reason is the quoted sentence.
// error(gcc): residual: the main path makes 6x4x4 but the skip 4x8x8: add a project<conv2d<...>> that makes
// error(gcc): this of it.
// error(clang): residual: the main path makes
// error(clang): 6x4x4 but the skip 4x8x8: add a
// error(clang): project<conv2d<...>> that makes
// error(clang): this of it.
#include <iop/model/network.hpp>

using namespace iop::model;

#ifdef IOP_TWIN
struct example
    : network<input<4, 8, 8>,
              residual<project<conv2d<6, stride<2>>>, conv2d<6, kernel<3>, stride<2>, pad<1>>>, relu> {};
#else
struct example : network<input<4, 8, 8>, residual<conv2d<6, kernel<3>, stride<2>, pad<1>>>, relu> {};
#endif

constexpr auto parameters = parameter_count(example::spec.list());
