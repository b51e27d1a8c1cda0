// SPDX-License-Identifier: MIT
#pragma once

// Small networks of odd shapes: extents that nothing divides, every option of every operator, more devices
// than channels or rows.

#include <iop/model/network.hpp>

namespace iop_test {

using namespace iop::model;

struct tiny_lenet
    : network<input<1, 28, 28>, conv2d<6, kernel<5>, pad<2>>, relu, max_pool<2>, conv2d<16, kernel<5>>, relu,
              max_pool<2>, flatten, dense<120>, relu, dense<84>, relu, dense<10>> {};
struct three_channels : network<input<3, 17, 13>, conv2d<7, kernel<3>, pad<1>>, relu, conv2d<5, kernel<3>>,
                                relu, flatten, dense<9>> {};
struct strided : network<input<2, 23, 19>, conv2d<9, kernel<5>, stride<3>, pad<2>>, relu,
                         conv2d<11, kernel<3>, stride<2>>, flatten, dense<3>, softmax> {};
struct dilated : network<input<3, 21, 21>, conv2d<5, kernel<3>, dilation<2>, pad<2>>, relu,
                         conv2d<6, kernel<3>, dilation<3>>, relu, average_pool<3>, flatten, dense<4>> {};
struct grouped
    : network<input<6, 11, 15>, conv2d<12, kernel<3>, groups<3>, pad<1>>, relu,
              conv2d<8, kernel<1>, groups<2>>, max_pool<2>, conv2d<5, kernel<3>>, flatten, dense<7>> {};
struct depthwise
    : network<input<5, 14, 9>, conv2d<13, kernel<1>>, relu, conv2d<13, kernel<3>, groups<13>, pad<1>>, relu,
              conv2d<6, kernel<1>>, conv2d<12, kernel<3>, groups<6>, stride<2>>, relu, flatten, dense<5>> {};
struct overlapping_pools
    : network<input<3, 31, 29>, conv2d<8, kernel<7>, stride<2>, pad<3>>, relu, max_pool<3, stride<2>>,
              conv2d<10, kernel<3>, pad<1>>, relu, max_pool<3, stride<2>, pad<1>, ceil_mode>,
              average_pool<2, stride<1>, pad<1>, exclude_padding>, flatten, dense<6>> {};
struct only_dense
    : network<input<37, 1, 1>, dense<53>, relu, dense<29>, relu, dense<31>, relu, dense<2>, softmax> {};
struct only_convolutions
    : network<input<4, 12, 10>, conv2d<6, kernel<3>, pad<1>>, relu, conv2d<3, kernel<3>, pad<1>>, relu,
              conv2d<7, kernel<1>, no_bias>, max_pool<2>> {};
struct narrow : network<input<1, 3, 41>, conv2d<2, kernel<1, 5>, stride<1, 2>>, relu,
                        conv2d<3, kernel<3, 1>, pad<1, 0>>, relu, average_pool<3>, flatten, dense<1>> {};
struct asymmetric : network<input<2, 16, 16>, conv2d<4, kernel<4>, pad<1, 2, 3, 0>, stride<2, 3>>, relu, relu,
                            max_pool<2>, conv2d<17, kernel<2>>, flatten, relu, dense<11, no_bias>> {};
struct deep
    : network<input<3, 9, 9>, conv2d<4, kernel<3>, pad<1>>, relu, conv2d<5, kernel<3>, pad<1>>, relu,
              conv2d<6, kernel<3>, pad<1>>, relu, conv2d<7, kernel<3>, pad<1>>, relu, max_pool<3>,
              conv2d<8, kernel<3>, pad<1>>, relu, flatten, dense<19>, relu, dense<8>, relu, dense<5>> {};
struct one_by_one : network<input<8, 7, 5>, conv2d<24, kernel<1>>, relu, conv2d<3, kernel<1>>, relu,
                            conv2d<20, kernel<1>>, average_pool<5>, softmax> {};

// Branching networks.

struct identity_residuals
    : network<input<3, 13, 11>, conv2d<9, kernel<3>, pad<1>>, batch_norm<>, relu,
              residual<conv2d<9, kernel<3>, pad<1>, no_bias>, batch_norm<>, relu,
                       conv2d<9, kernel<3>, pad<1>>, batch_norm<>>,
              relu, residual<conv2d<9, kernel<3>, pad<1>>>, relu, average_pool<2>, flatten, dense<7>> {};
struct projected_residuals
    : network<input<3, 15, 12>, conv2d<6, kernel<3>, pad<1>, no_bias>, batch_norm<>, relu,
              max_pool<3, stride<2>, pad<1>>,
              residual<project<conv2d<13, kernel<1>, stride<2>, no_bias>, batch_norm<epsilon<1e-3>>>,
                       conv2d<13, kernel<3>, stride<2>, pad<1>, no_bias>, batch_norm<>, relu,
                       conv2d<13, kernel<3>, pad<1>, no_bias>, batch_norm<>>,
              relu, global_average_pool, flatten, dense<5>, batch_norm<>> {};
struct inverted_residuals
    : network<input<3, 14, 10>, conv2d<5, kernel<3>, stride<2>, pad<1>, no_bias>, batch_norm<>, relu6,
              residual<conv2d<15, kernel<1>, no_bias>, batch_norm<>, relu6,
                       conv2d<15, kernel<3>, pad<1>, groups<15>, no_bias>, batch_norm<>, relu6,
                       conv2d<5, kernel<1>, no_bias>, batch_norm<>>,
              conv2d<20, kernel<1>>, hard_swish, conv2d<20, kernel<3>, stride<2>, pad<1>, groups<20>>,
              batch_norm<>, hard_swish, conv2d<11, kernel<1>>, global_average_pool, flatten, dense<4>> {};
struct fire : network<input<3, 12, 9>, conv2d<7, kernel<3>, stride<2>>, relu, conv2d<4, kernel<1>>, relu,
                      concat<branch<conv2d<5, kernel<1>>, relu>, branch<conv2d<6, kernel<3>, pad<1>>, relu>>,
                      max_pool<2, ceil_mode>, conv2d<6, kernel<1>>, relu, global_average_pool, softmax> {};
struct inception
    : network<input<4, 9, 8>, conv2d<6, kernel<3>, pad<1>>, relu,
              concat<branch<conv2d<3, kernel<1>>, leaky_relu<0.1>>,
                     branch<conv2d<2, kernel<1>>, relu, conv2d<5, kernel<5>, pad<2>>, relu>,
                     branch<max_pool<3, stride<1>, pad<1>>>, branch<>>,
              residual<concat<branch<conv2d<8, kernel<1>>>, branch<conv2d<12, kernel<3>, pad<1>>>>>,
              leaky_relu<0.2>, average_pool<4>, flatten, dense<3>> {};
struct response_norms : network<input<3, 16, 13>, conv2d<11, kernel<5>, stride<2>>, relu,
                                local_response_norm<5, alpha<0.1>, k<2>>, max_pool<3, stride<2>, ceil_mode>,
                                conv2d<8, kernel<3>, pad<1>>, relu, local_response_norm<4, beta<0.5>>, relu,
                                flatten, dense<9>, dropout<>, dense<6>> {};
struct every_activation : network<input<2, 10, 10>, conv2d<6, kernel<3>, pad<1>>, leaky_relu<0.3>,
                                  conv2d<7, kernel<3>>, hard_swish, average_pool<2>, hyperbolic_tangent,
                                  residual<conv2d<7, kernel<3>, pad<1>>, sigmoid>, leaky_relu<>,
                                  conv2d<5, kernel<1>, groups<1>>, relu6, max_pool<2>, sigmoid, flatten,
                                  dense<8>, hyperbolic_tangent, dense<5>, sigmoid, leaky_relu<1.5>> {};

}  // namespace iop_test
