// SPDX-License-Identifier: MIT
// error: iop: this cannot be; the reason is the quoted sentence.
// error(gcc): the network has an input and no operator: give it one.
// error(clang): the network has an input and no
// never: subscript
#include <iop/deploy/deployment.hpp>

using namespace iop::literals;
using namespace iop::model;

#ifdef IOP_TWIN
struct example : network<input<1, 4, 4>, conv2d<2>> {};
#else
struct example : network<input<1, 4, 4>> {};
#endif

constexpr iop::device board{"board", 1_GFLOPs, 1_GBps, 1_MiB};
constexpr iop::cluster pair{board, board, iop::link{100_Mbitps, 2_ms}};
constexpr auto plan = iop::planned<example, pair, iop::policy::optimal>;
