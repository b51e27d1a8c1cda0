// SPDX-License-Identifier: MIT
#pragma once

// Everything for planning and running, but no transport that needs a library: add <iop/comm/tcp.hpp> for TCP,
// and <iop/file/safetensors.hpp> to read weights from files.

#include <iop/deploy/deployment.hpp>
#include <iop/exec/executor.hpp>
#include <iop/model/network.hpp>
#include <iop/spec/cluster.hpp>

namespace iop {

// The frame of a network; what stands in it comes from iop::model.
using model::input;
using model::network;

}  // namespace iop
