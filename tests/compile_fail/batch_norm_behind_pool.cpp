// SPDX-License-Identifier: MIT
// error: iop: this cannot be; the reason is the quoted sentence.
// error(gcc): bn1: batch_norm must stand directly behind conv2d or dense, not behind max_pool:
// error(gcc): move it there, or leave it out.
// error(clang): bn1: batch_norm must stand
// error(clang): directly behind conv2d or
// error(clang): dense, not behind max_pool:
// error(clang): move it there, or leave it out.
#include <iop/model/network.hpp>

using namespace iop::model;

#ifdef IOP_TWIN
struct example : network<input<4, 8, 8>, conv2d<6>, batch_norm<>, max_pool<2>> {};
#else
struct example : network<input<4, 8, 8>, conv2d<6>, max_pool<2>, batch_norm<>> {};
#endif

constexpr auto parameters = parameter_count(example::spec.list());
