// SPDX-License-Identifier: MIT
#pragma once

// MobileNet ("MobileNets: efficient convolutional neural networks for mobile vision applications", Howard et
// al. 2017) and MobileNetV2 ("MobileNetV2: inverted residuals and linear bottlenecks", Sandler et al. 2018):
// depthwise and 1×1 convolutions. V2 has torchvision's tensor names; V1, which torchvision lacks, those of
// timm's mobilenetv1_100. Any Size from 32 on gives the same tensors. Width: channels of the first
// convolution, with which all others scale.

#include <iop/zoo/vocabulary.hpp>

#include <cstddef>
#include <type_traits>

namespace iop::zoo {

namespace mobilenet {

/// A 3×3 convolution of In channels, each on its own, then a 1×1 convolution to Out channels.
template <text Name, std::size_t In, std::size_t Out, std::size_t Stride = 1>
using separable = scope<Name,  //
                        conv2d<In, kernel<3>, stride<Stride>, pad<1>, groups<In>, no_bias, name<"conv_dw">>,
                        batch_norm<>, relu6,  //
                        conv2d<Out, kernel<1>, no_bias, name<"conv_pw">>, batch_norm<>, relu6>;

/// A convolution with batch_norm and ReLU6, whose tensors are Name.0 and Name.1.
template <text Name, class Convolution>
using unit = scope<Name, Convolution, batch_norm<name<"1">>, relu6>;

template <std::size_t Channels>
using widen = conv2d<Channels, kernel<1>, no_bias, name<"0">>;
template <std::size_t Channels, std::size_t Stride>
using depthwise = conv2d<Channels, kernel<3>, stride<Stride>, pad<1>, groups<Channels>, no_bias, name<"0">>;

/// To six times In channels, 3×3 on each, and down to Out; added to its input where the shapes agree.
template <text Name, std::size_t In, std::size_t Out, std::size_t Stride = 1>
struct inverted {
  using main = scope<Name, scope<"conv",                                //
                                 unit<"0", widen<6 * In>>,              //
                                 unit<"1", depthwise<6 * In, Stride>>,  //
                                 conv2d<Out, kernel<1>, no_bias, name<"2">>, batch_norm<name<"3">>>>;
  using type = std::conditional_t<Stride == 1 && In == Out, residual<main>, main>;
};
template <text Name, std::size_t In, std::size_t Out, std::size_t Stride = 1>
using bottleneck = typename inverted<Name, In, Out, Stride>::type;

}  // namespace mobilenet

/// 3 × Size × Size → Classes scores.
template <std::size_t Size = 224, std::size_t Classes = 1000, std::size_t Width = 32>
struct basic_mobilenet_v1
    : network<input<3, Size, Size>,  //
              conv2d<Width, kernel<3>, stride<2>, pad<1>, no_bias, name<"conv_stem">>, batch_norm<>, relu6,
              scope<"blocks",  //
                    scope<"0", mobilenet::separable<"0", Width, 2 * Width>>,
                    scope<"1",  //
                          mobilenet::separable<"0", 2 * Width, 4 * Width, 2>,
                          mobilenet::separable<"1", 4 * Width, 4 * Width>>,
                    scope<"2",  //
                          mobilenet::separable<"0", 4 * Width, 8 * Width, 2>,
                          mobilenet::separable<"1", 8 * Width, 8 * Width>>,
                    scope<"3",  //
                          mobilenet::separable<"0", 8 * Width, 16 * Width, 2>,
                          mobilenet::separable<"1", 16 * Width, 16 * Width>,
                          mobilenet::separable<"2", 16 * Width, 16 * Width>,
                          mobilenet::separable<"3", 16 * Width, 16 * Width>,
                          mobilenet::separable<"4", 16 * Width, 16 * Width>,
                          mobilenet::separable<"5", 16 * Width, 16 * Width>>,
                    scope<"4",  //
                          mobilenet::separable<"0", 16 * Width, 32 * Width, 2>,
                          mobilenet::separable<"1", 32 * Width, 32 * Width>>>,
              global_average_pool, flatten, dense<Classes, name<"classifier">>> {};

/// 3 × Size × Size → Classes scores. Width: a multiple of 4.
template <std::size_t Size = 224, std::size_t Classes = 1000, std::size_t Width = 32>
struct basic_mobilenet_v2
    : network<
          input<3, Size, Size>,
          scope<"features",
                mobilenet::unit<"0", conv2d<Width, kernel<3>, stride<2>, pad<1>, no_bias, name<"0">>>,
                scope<"1", scope<"conv",  // the first block widens nothing
                                 mobilenet::unit<"0", mobilenet::depthwise<Width, 1>>,
                                 conv2d<Width / 2, kernel<1>, no_bias, name<"1">>, batch_norm<name<"2">>>>,
                mobilenet::bottleneck<"2", Width / 2, Width * 3 / 4, 2>,
                mobilenet::bottleneck<"3", Width * 3 / 4, Width * 3 / 4>,
                mobilenet::bottleneck<"4", Width * 3 / 4, Width, 2>, mobilenet::bottleneck<"5", Width, Width>,
                mobilenet::bottleneck<"6", Width, Width>, mobilenet::bottleneck<"7", Width, 2 * Width, 2>,
                mobilenet::bottleneck<"8", 2 * Width, 2 * Width>,
                mobilenet::bottleneck<"9", 2 * Width, 2 * Width>,
                mobilenet::bottleneck<"10", 2 * Width, 2 * Width>,
                mobilenet::bottleneck<"11", 2 * Width, 3 * Width>,
                mobilenet::bottleneck<"12", 3 * Width, 3 * Width>,
                mobilenet::bottleneck<"13", 3 * Width, 3 * Width>,
                mobilenet::bottleneck<"14", 3 * Width, 5 * Width, 2>,
                mobilenet::bottleneck<"15", 5 * Width, 5 * Width>,
                mobilenet::bottleneck<"16", 5 * Width, 5 * Width>,
                mobilenet::bottleneck<"17", 5 * Width, 10 * Width>,
                mobilenet::unit<"18", mobilenet::widen<40 * Width>>>,
          global_average_pool, flatten, dropout<0.2>, dense<Classes, name<"classifier.1">>> {
  static_assert(Width % 4 == 0, "iop: the width of mobilenet_v2 must be a multiple of 4.");
};

struct mobilenet_v1 : basic_mobilenet_v1<> {};
struct mobilenet_v2 : basic_mobilenet_v2<> {};

}  // namespace iop::zoo
