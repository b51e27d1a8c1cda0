// SPDX-License-Identifier: MIT
#pragma once

// VGG with 11, 13, 16 and 19 layers ("Very deep convolutional networks for large-scale image recognition",
// Simonyan and Zisserman 2014, configurations A, B, D and E): 3×3 convolutions, pooled five times, and three
// dense layers. Tensors as torchvision.models.vgg11 and so on name them. Width: channels of the first
// convolution, with which all others scale; Size is a multiple of 32, a reduced one makes the first dense
// layer smaller.

#include <iop/zoo/vocabulary.hpp>

#include <cstddef>

namespace iop::zoo {

namespace vgg {

/// A convolution with its ReLU.
template <text Name, std::size_t Channels>
using conv = chain<conv2d<Channels, kernel<3>, pad<1>, name<Name>>, relu>;

/// 3 × Size × Size → the convolutions and poolings → Classes scores.
template <std::size_t Size, std::size_t Classes, std::size_t Width, class... Features>
using frame = network<input<3, Size, Size>, scope<"features", Features...>, flatten,
                      scope<"classifier",                                   //
                            dense<64 * Width, name<"0">>, relu, dropout<>,  //
                            dense<64 * Width, name<"3">>, relu, dropout<>,  //
                            dense<Classes, name<"6">>>>;

}  // namespace vgg

template <std::size_t Size = 224, std::size_t Classes = 1000, std::size_t Width = 64>
struct basic_vgg11 : vgg::frame<Size, Classes, Width,                                                 //
                                vgg::conv<"0", Width>, max_pool<2>,                                   //
                                vgg::conv<"3", 2 * Width>, max_pool<2>,                               //
                                vgg::conv<"6", 4 * Width>, vgg::conv<"8", 4 * Width>, max_pool<2>,    //
                                vgg::conv<"11", 8 * Width>, vgg::conv<"13", 8 * Width>, max_pool<2>,  //
                                vgg::conv<"16", 8 * Width>, vgg::conv<"18", 8 * Width>, max_pool<2>> {};

template <std::size_t Size = 224, std::size_t Classes = 1000, std::size_t Width = 64>
struct basic_vgg13 : vgg::frame<Size, Classes, Width,                                                 //
                                vgg::conv<"0", Width>, vgg::conv<"2", Width>, max_pool<2>,            //
                                vgg::conv<"5", 2 * Width>, vgg::conv<"7", 2 * Width>, max_pool<2>,    //
                                vgg::conv<"10", 4 * Width>, vgg::conv<"12", 4 * Width>, max_pool<2>,  //
                                vgg::conv<"15", 8 * Width>, vgg::conv<"17", 8 * Width>, max_pool<2>,  //
                                vgg::conv<"20", 8 * Width>, vgg::conv<"22", 8 * Width>, max_pool<2>> {};

template <std::size_t Size = 224, std::size_t Classes = 1000, std::size_t Width = 64>
struct basic_vgg16
    : vgg::frame<
          Size, Classes, Width,                                                                             //
          vgg::conv<"0", Width>, vgg::conv<"2", Width>, max_pool<2>,                                        //
          vgg::conv<"5", 2 * Width>, vgg::conv<"7", 2 * Width>, max_pool<2>,                                //
          vgg::conv<"10", 4 * Width>, vgg::conv<"12", 4 * Width>, vgg::conv<"14", 4 * Width>, max_pool<2>,  //
          vgg::conv<"17", 8 * Width>, vgg::conv<"19", 8 * Width>, vgg::conv<"21", 8 * Width>, max_pool<2>,  //
          vgg::conv<"24", 8 * Width>, vgg::conv<"26", 8 * Width>, vgg::conv<"28", 8 * Width>, max_pool<2>> {};

template <std::size_t Size = 224, std::size_t Classes = 1000, std::size_t Width = 64>
struct basic_vgg19 : vgg::frame<Size, Classes, Width,                                                 //
                                vgg::conv<"0", Width>, vgg::conv<"2", Width>, max_pool<2>,            //
                                vgg::conv<"5", 2 * Width>, vgg::conv<"7", 2 * Width>, max_pool<2>,    //
                                vgg::conv<"10", 4 * Width>, vgg::conv<"12", 4 * Width>,               //
                                vgg::conv<"14", 4 * Width>, vgg::conv<"16", 4 * Width>, max_pool<2>,  //
                                vgg::conv<"19", 8 * Width>, vgg::conv<"21", 8 * Width>,               //
                                vgg::conv<"23", 8 * Width>, vgg::conv<"25", 8 * Width>, max_pool<2>,  //
                                vgg::conv<"28", 8 * Width>, vgg::conv<"30", 8 * Width>,               //
                                vgg::conv<"32", 8 * Width>, vgg::conv<"34", 8 * Width>, max_pool<2>> {};

struct vgg11 : basic_vgg11<> {};
struct vgg13 : basic_vgg13<> {};
struct vgg16 : basic_vgg16<> {};
struct vgg19 : basic_vgg19<> {};

}  // namespace iop::zoo
