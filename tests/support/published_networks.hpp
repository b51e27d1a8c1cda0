// SPDX-License-Identifier: MIT
#pragma once

// The networks of the published comparisons, as torchvision and LeCun et al. (1998, with ReLU and max
// pooling) have them.

#include <iop/model/network.hpp>

namespace iop_test {

using namespace iop::model;

struct lenet5
    : network<input<1, 28, 28>, conv2d<6, kernel<5>, pad<2>>, relu, max_pool<2>, conv2d<16, kernel<5>>, relu,
              max_pool<2>, flatten, dense<120>, relu, dense<84>, relu, dense<10>> {};

struct alexnet
    : network<input<3, 224, 224>, conv2d<64, kernel<11>, stride<4>, pad<2>>, relu, max_pool<3, stride<2>>,
              conv2d<192, kernel<5>, pad<2>>, relu, max_pool<3, stride<2>>, conv2d<384, kernel<3>, pad<1>>,
              relu, conv2d<256, kernel<3>, pad<1>>, relu, conv2d<256, kernel<3>, pad<1>>, relu,
              max_pool<3, stride<2>>, flatten, dense<4096>, relu, dense<4096>, relu, dense<1000>> {};

struct vgg11 : network<input<3, 224, 224>, conv2d<64, kernel<3>, pad<1>>, relu, max_pool<2>,
                       conv2d<128, kernel<3>, pad<1>>, relu, max_pool<2>, conv2d<256, kernel<3>, pad<1>>,
                       relu, conv2d<256, kernel<3>, pad<1>>, relu, max_pool<2>,
                       conv2d<512, kernel<3>, pad<1>>, relu, conv2d<512, kernel<3>, pad<1>>, relu,
                       max_pool<2>, conv2d<512, kernel<3>, pad<1>>, relu, conv2d<512, kernel<3>, pad<1>>,
                       relu, max_pool<2>, flatten, dense<4096>, relu, dense<4096>, relu, dense<1000>> {};

}  // namespace iop_test
