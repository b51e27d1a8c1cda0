// SPDX-License-Identifier: MIT
#pragma once

// ResNet-18 and ResNet-50 ("Deep residual learning for image recognition", He et al. 2015) as torchvision has
// them: the stride of a bottleneck is in its 3×3 convolution (often called v1.5). Any Size from 32 on gives
// the same tensors, named as torchvision.models.resnet18 and resnet50 name them. Width: channels of the first
// convolution, with which all others scale.

#include <iop/zoo/vocabulary.hpp>

#include <cstddef>

namespace iop::zoo {

namespace resnet {

/// The skip where a block changes the shape.
template <std::size_t Channels, std::size_t Stride>
using downsample =
    project<scope<"downsample", conv2d<Channels, kernel<1>, stride<Stride>, no_bias, name<"0">>,
                  batch_norm<name<"1">>>>;

/// Two 3×3 convolutions; Skip is nothing or a `downsample`.
template <text Name, std::size_t Channels, std::size_t Stride = 1, class... Skip>
using basic =
    scope<Name,
          residual<Skip...,                                                                           //
                   conv2d<Channels, kernel<3>, stride<Stride>, pad<1>, no_bias>, batch_norm<>, relu,  //
                   conv2d<Channels, kernel<3>, pad<1>, no_bias>, batch_norm<>>,
          relu>;

/// 1×1 to Channels, 3×3, 1×1 to four times as many.
template <text Name, std::size_t Channels, std::size_t Stride = 1, class... Skip>
using bottleneck =
    scope<Name,
          residual<Skip...,                                                                           //
                   conv2d<Channels, kernel<1>, no_bias>, batch_norm<>, relu,                          //
                   conv2d<Channels, kernel<3>, stride<Stride>, pad<1>, no_bias>, batch_norm<>, relu,  //
                   conv2d<4 * Channels, kernel<1>, no_bias>, batch_norm<>>,
          relu>;

/// 3 × Size × Size → the stages → Classes scores.
template <std::size_t Size, std::size_t Classes, std::size_t Width, class... Stages>
using frame = network<input<3, Size, Size>,  //
                      conv2d<Width, kernel<7>, stride<2>, pad<3>, no_bias>, batch_norm<>, relu,
                      max_pool<3, stride<2>, pad<1>>,  //
                      Stages..., global_average_pool, flatten, dense<Classes, name<"fc">>>;

/// Two basic blocks.
template <text Name, std::size_t Channels, std::size_t Stride, class... Skip>
using stage18 = scope<Name, basic<"0", Channels, Stride, Skip...>, basic<"1", Channels>>;

/// A bottleneck that changes the shape, and More that keep it.
template <text Name, std::size_t Channels, std::size_t Stride, class... More>
using stage50 = scope<Name, bottleneck<"0", Channels, Stride, downsample<4 * Channels, Stride>>, More...>;

}  // namespace resnet

template <std::size_t Size = 224, std::size_t Classes = 1000, std::size_t Width = 64>
struct basic_resnet18
    : resnet::frame<Size, Classes, Width,                                                       //
                    resnet::stage18<"layer1", Width, 1>,                                        //
                    resnet::stage18<"layer2", 2 * Width, 2, resnet::downsample<2 * Width, 2>>,  //
                    resnet::stage18<"layer3", 4 * Width, 2, resnet::downsample<4 * Width, 2>>,  //
                    resnet::stage18<"layer4", 8 * Width, 2, resnet::downsample<8 * Width, 2>>> {};

template <std::size_t Size = 224, std::size_t Classes = 1000, std::size_t Width = 64>
struct basic_resnet50
    : resnet::frame<Size, Classes, Width,                                                             //
                    resnet::stage50<"layer1", Width, 1,                                               //
                                    resnet::bottleneck<"1", Width>, resnet::bottleneck<"2", Width>>,  //
                    resnet::stage50<"layer2", 2 * Width, 2,                                           //
                                    resnet::bottleneck<"1", 2 * Width>, resnet::bottleneck<"2", 2 * Width>,
                                    resnet::bottleneck<"3", 2 * Width>>,  //
                    resnet::stage50<"layer3", 4 * Width, 2,               //
                                    resnet::bottleneck<"1", 4 * Width>, resnet::bottleneck<"2", 4 * Width>,
                                    resnet::bottleneck<"3", 4 * Width>, resnet::bottleneck<"4", 4 * Width>,
                                    resnet::bottleneck<"5", 4 * Width>>,  //
                    resnet::stage50<"layer4", 8 * Width, 2,               //
                                    resnet::bottleneck<"1", 8 * Width>, resnet::bottleneck<"2", 8 * Width>>> {
};

struct resnet18 : basic_resnet18<> {};
struct resnet50 : basic_resnet50<> {};

}  // namespace iop::zoo
