// SPDX-License-Identifier: MIT
#pragma once

// The networks of the zoo, most of them smaller than published, so that a plain reference runs in a test, and
// devices slow enough that cutting them pays.

#include <iop/spec/cluster.hpp>
#include <iop/zoo/alexnet.hpp>
#include <iop/zoo/lenet5.hpp>
#include <iop/zoo/mobilenet.hpp>
#include <iop/zoo/resnet.hpp>
#include <iop/zoo/squeezenet.hpp>
#include <iop/zoo/vgg.hpp>

#include <cstddef>

namespace zoo_test {

// Input size, classes, channels of the first convolution.
using lenet5 = iop::zoo::lenet5;
using alexnet = iop::zoo::basic_alexnet<96, 10, 16>;
using alexnet_lrn = iop::zoo::basic_alexnet_lrn<99, 10, 24>;
using vgg11 = iop::zoo::basic_vgg11<64, 10, 8>;
using vgg13 = iop::zoo::basic_vgg13<64, 10, 8>;
using vgg16 = iop::zoo::basic_vgg16<64, 10, 8>;
using vgg19 = iop::zoo::basic_vgg19<64, 10, 8>;
using resnet18 = iop::zoo::basic_resnet18<64, 10, 8>;
using resnet50 = iop::zoo::basic_resnet50<64, 10, 8>;
using mobilenet_v1 = iop::zoo::basic_mobilenet_v1<96, 10, 8>;
using mobilenet_v2 = iop::zoo::basic_mobilenet_v2<96, 10, 16>;
using squeezenet1_1 = iop::zoo::basic_squeezenet1_1<96, 10>;

/// Unlike devices; the input starts and the result ends on different ones.
template <std::size_t Ranks>
constexpr iop::cluster<Ranks> devices() {
  using namespace iop::literals;
  constexpr iop::device each[] = {{"camera", 200_MFLOPs, 200_MBps, 1_GiB, 1},
                                  {"hub", 1_GFLOPs, 800_MBps, 1_GiB, 4},
                                  {"sensor", 400_MFLOPs, 300_MBps, 1_GiB, 1},
                                  {"phone", 900_MFLOPs, 500_MBps, 1_GiB, 8},
                                  {"clock", 5_MFLOPs, 20_MBps, 1_GiB, 1}};
  iop::cluster<Ranks> c;
  for (std::size_t r = 0; r < Ranks; ++r) c.devices.push_back(each[r]);
  c.connect_all({100_Mbitps, 200_us, false});
  return c;
}

template <std::size_t Ranks>
inline constexpr iop::endpoints ends{1, Ranks - 1};

}  // namespace zoo_test
