// SPDX-License-Identifier: MIT
// error: iop: concat takes 2 to 4 branches; nest concats for more.
#include <iop/model/network.hpp>

using namespace iop::model;

#ifdef IOP_TWIN
struct example
    : network<input<4, 8, 8>, concat<branch<>, branch<>, branch<concat<branch<>, branch<>, branch<>>>>> {};
#else
struct example : network<input<4, 8, 8>, concat<branch<>, branch<>, branch<>, branch<>, branch<>>> {};
#endif

constexpr auto parameters = parameter_count(example::spec.list());
