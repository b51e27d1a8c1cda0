// SPDX-License-Identifier: MIT
#pragma once

// LeNet-5 for the 28 × 28 grey images of Fashion-MNIST, as train.py trained it: 416,520 multiply-adds, 61,706
// weights. The tensors are called conv1, conv2, fc1, fc2 and fc3, here as in PyTorch.

#include <iop/model/network.hpp>

namespace lenet5 {

using namespace iop::model;

struct lenet5 : network<input<1, 28, 28>,                                 //
                        conv2d<6, kernel<5>, pad<2>>, relu, max_pool<2>,  //
                        conv2d<16, kernel<5>>, relu, max_pool<2>,         //
                        flatten, dense<120>, relu, dense<84>, relu, dense<10>> {};

}  // namespace lenet5
