// SPDX-License-Identifier: MIT
#pragma once

// LeNet-5 for the 28 × 28 grey images of Fashion-MNIST, as train.py trained it: 416,520 multiply-adds, 61,706
// weights. The tensors are called conv1, conv2, fc1, fc2 and fc3, here as in PyTorch.

#include <iop/zoo/lenet5.hpp>

namespace lenet5 {

using iop::zoo::lenet5;

}  // namespace lenet5
