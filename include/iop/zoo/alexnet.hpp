// SPDX-License-Identifier: MIT
#pragma once

// AlexNet twice: torchvision's ("One weird trick for parallelizing convolutional neural networks", Krizhevsky
// 2014) and the original ("ImageNet classification with deep convolutional neural networks", Krizhevsky et
// al. 2012) with its two groups and its response normalisation. Width: channels of the first convolution,
// with which all others scale; a reduced Size makes the first dense layer smaller.

#include <iop/zoo/vocabulary.hpp>

#include <cstddef>

namespace iop::zoo {

/// 3 × Size × Size → Classes scores. Tensors as torchvision.models.alexnet names them.
template <std::size_t Size = 224, std::size_t Classes = 1000, std::size_t Width = 64>
struct basic_alexnet
    : network<input<3, Size, Size>,
              scope<"features",                                                                             //
                    conv2d<Width, kernel<11>, stride<4>, pad<2>, name<"0">>, relu, max_pool<3, stride<2>>,  //
                    conv2d<3 * Width, kernel<5>, pad<2>, name<"3">>, relu, max_pool<3, stride<2>>,          //
                    conv2d<6 * Width, kernel<3>, pad<1>, name<"6">>, relu,                                  //
                    conv2d<4 * Width, kernel<3>, pad<1>, name<"8">>, relu,                                  //
                    conv2d<4 * Width, kernel<3>, pad<1>, name<"10">>, relu, max_pool<3, stride<2>>>,        //
              flatten,                                                                                      //
              scope<"classifier",                                                                           //
                    dropout<>, dense<64 * Width, name<"1">>, relu,                                          //
                    dropout<>, dense<64 * Width, name<"4">>, relu,                                          //
                    dense<Classes, name<"6">>>> {};

struct alexnet : basic_alexnet<> {};

/// The original. Its 224 × 224 crops are computed with as 227 × 227, as in Caffe, whose tensor names these
/// are: conv1 to conv5, fc6 to fc8. The paper's alpha of 1e-4 is not divided by the 5 channels, PyTorch's is.
template <std::size_t Size = 227, std::size_t Classes = 1000, std::size_t Width = 96>
struct basic_alexnet_lrn
    : network<input<3, Size, Size>,                                                               //
              conv2d<Width, kernel<11>, stride<4>>, relu,                                         //
              local_response_norm<5, alpha<5e-4>, beta<0.75>, k<2>>, max_pool<3, stride<2>>,      //
              conv2d<Width * 8 / 3, kernel<5>, pad<2>, groups<2>>, relu,                          //
              local_response_norm<5, alpha<5e-4>, beta<0.75>, k<2>>, max_pool<3, stride<2>>,      //
              conv2d<4 * Width, kernel<3>, pad<1>>, relu,                                         //
              conv2d<4 * Width, kernel<3>, pad<1>, groups<2>>, relu,                              //
              conv2d<Width * 8 / 3, kernel<3>, pad<1>, groups<2>>, relu, max_pool<3, stride<2>>,  //
              flatten,                                                                            //
              dense<Width * 128 / 3, name<"fc6">>, relu, dropout<>,                               //
              dense<Width * 128 / 3, name<"fc7">>, relu, dropout<>,                               //
              dense<Classes, name<"fc8">>> {
  static_assert(Width % 6 == 0, "iop: the width of alexnet_lrn must be a multiple of 6.");
};

struct alexnet_lrn : basic_alexnet_lrn<> {};

}  // namespace iop::zoo
