// SPDX-License-Identifier: MIT
#pragma once

// The words the networks of the zoo are written in. One by one, because `using namespace model` would leave
// open whether `kernel` is the option or the layer iop::kernel.

#include <iop/model/network.hpp>

namespace iop::zoo {

using model::alpha;
using model::batch_norm;
using model::beta;
using model::branch;
using model::ceil_mode;
using model::chain;
using model::concat;
using model::conv2d;
using model::dense;
using model::dropout;
using model::flatten;
using model::global_average_pool;
using model::groups;
using model::input;
using model::k;
using model::kernel;
using model::local_response_norm;
using model::max_pool;
using model::name;
using model::network;
using model::no_bias;
using model::pad;
using model::project;
using model::relu;
using model::relu6;
using model::residual;
using model::scope;
using model::stride;

}  // namespace iop::zoo
