// SPDX-License-Identifier: MIT
// error: iop: this cannot be; the reason is the quoted sentence.
// error(gcc): fc1: dense needs a flat input, got 4x7x5: put flatten before it.
// error(clang): fc1: dense needs a flat input,
// error(clang): got 4x7x5: put flatten before
// error(clang): it.
#include <iop/model/network.hpp>

using namespace iop::model;

#ifdef IOP_TWIN
struct example : network<input<4, 7, 5>, flatten, dense<10>> {};
#else
struct example : network<input<4, 7, 5>, dense<10>> {};
#endif

constexpr auto parameters = parameter_count(example::spec.list());
