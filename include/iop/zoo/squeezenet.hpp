// SPDX-License-Identifier: MIT
#pragma once

// SqueezeNet 1.1 ("SqueezeNet: AlexNet-level accuracy with 50x fewer parameters", Iandola et al. 2016; 1.1 is
// the authors' later, cheaper version): few channels in, many out of two branches side by side. Any Size from
// 17 on gives the same tensors, named as torchvision.models.squeezenet1_1 names them.

#include <iop/zoo/vocabulary.hpp>

#include <cstddef>

namespace iop::zoo {

namespace squeezenet {

/// A 1×1 convolution to Squeeze channels, then 1×1 and 3×3 ones to Expand channels each.
template <text Name, std::size_t Squeeze, std::size_t Expand>
using fire = scope<Name, conv2d<Squeeze, kernel<1>, name<"squeeze">>, relu,
                   concat<branch<conv2d<Expand, kernel<1>, name<"expand1x1">>, relu>,
                          branch<conv2d<Expand, kernel<3>, pad<1>, name<"expand3x3">>, relu>>>;

}  // namespace squeezenet

/// 3 × Size × Size → Classes scores.
template <std::size_t Size = 224, std::size_t Classes = 1000>
struct basic_squeezenet1_1
    : network<input<3, Size, Size>,
              scope<"features",  //
                    conv2d<64, kernel<3>, stride<2>, name<"0">>, relu, max_pool<3, stride<2>, ceil_mode>,
                    squeezenet::fire<"3", 16, 64>, squeezenet::fire<"4", 16, 64>,
                    max_pool<3, stride<2>, ceil_mode>,  //
                    squeezenet::fire<"6", 32, 128>, squeezenet::fire<"7", 32, 128>,
                    max_pool<3, stride<2>, ceil_mode>,  //
                    squeezenet::fire<"9", 48, 192>, squeezenet::fire<"10", 48, 192>,
                    squeezenet::fire<"11", 64, 256>, squeezenet::fire<"12", 64, 256>>,
              dropout<>, conv2d<Classes, kernel<1>, name<"classifier.1">>, relu, global_average_pool,
              flatten> {};

struct squeezenet1_1 : basic_squeezenet1_1<> {};

}  // namespace iop::zoo
