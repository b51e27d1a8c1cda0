// SPDX-License-Identifier: MIT
#pragma once

// The networks of the published comparisons, from the zoo.

#include <iop/zoo/alexnet.hpp>
#include <iop/zoo/lenet5.hpp>
#include <iop/zoo/vgg.hpp>

namespace iop_test {

using namespace iop::model;
using iop::zoo::alexnet;
using iop::zoo::lenet5;
using iop::zoo::vgg11;
using iop::zoo::vgg16;

}  // namespace iop_test
