// SPDX-License-Identifier: MIT
#pragma once

// LeNet-5 (LeCun et al. 1998, "Gradient-based learning applied to document recognition") as it is mostly
// built today: ReLU, max pooling, every feature map connected to all, 28 × 28 grey images padded to 32 × 32.

#include <iop/zoo/vocabulary.hpp>

namespace iop::zoo {

/// 1 × 28 × 28 → 10 scores. Tensors: conv1, conv2, fc1, fc2, fc3.
struct lenet5 : network<input<1, 28, 28>,                                 //
                        conv2d<6, kernel<5>, pad<2>>, relu, max_pool<2>,  //
                        conv2d<16, kernel<5>>, relu, max_pool<2>,         //
                        flatten, dense<120>, relu, dense<84>, relu, dense<10>> {};

}  // namespace iop::zoo
