// SPDX-License-Identifier: MIT
// error: iop: this cannot be; the reason is the quoted sentence.
// error(gcc): project stands outside of a residual: put it inside residual<...>.
// error(clang): project stands outside of a
// error(clang): residual: put it inside
// error(clang): residual<...>.
#include <iop/model/network.hpp>

using namespace iop::model;

#ifdef IOP_TWIN
struct example : network<input<4, 8, 8>, residual<conv2d<6>, project<conv2d<6>>>> {};
#else
struct example : network<input<4, 8, 8>, residual<conv2d<4>>, project<conv2d<4>>> {};
#endif

constexpr auto parameters = parameter_count(example::spec.list());
