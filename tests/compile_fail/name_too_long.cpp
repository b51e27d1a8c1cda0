// SPDX-License-Identifier: MIT
// error: iop: this cannot be; the reason is the quoted sentence.
// error(gcc): encoder.block4.attention.projection.weight_norm...
// error(gcc): has 53 characters, at most 47 fit: choose a shorter one.
// error(clang): encoder.block4.attention.projec
// error(clang): tion.weight_norm...
// error(clang): characters, at most 47 fit:
// error(clang): choose a shorter one.
#include <iop/model/network.hpp>

using namespace iop::model;

#ifdef IOP_TWIN
struct example
    : network<input<4, 8, 8>,
              scope<"encoder.block4", scope<"attention", conv2d<6, name<"projection.weighted">>>>> {};
#else
struct example
    : network<input<4, 8, 8>,
              scope<"encoder.block4", scope<"attention", conv2d<6, name<"projection.weight_normalised">>>>> {
};
#endif

constexpr auto parameters = parameter_count(example::spec.list());
