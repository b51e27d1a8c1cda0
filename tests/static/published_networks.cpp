// SPDX-License-Identifier: MIT
// Parameters and multiply-adds of the zoo as published, which no slip in the inferred sizes would survive.
// Parameters, and multiply-adds in thousands of millions ("GFLOPS"), of the networks that torchvision has are
// those its documentation states (num_params, _ops: AlexNet 0.714, VGG 7.609, 11.308, 15.47, 19.632, ResNet
// 1.814 and 4.089, MobileNetV2 0.301, SqueezeNet 1.1 0.349). The exact multiply-adds were counted by a
// separate program that follows torchvision's constructors; each rounds to the published number. They are
// those of convolutions and dense layers, without biases, normalisation and pooling, as torchvision counts.
#include <iop/zoo/alexnet.hpp>
#include <iop/zoo/lenet5.hpp>
#include <iop/zoo/mobilenet.hpp>
#include <iop/zoo/resnet.hpp>
#include <iop/zoo/squeezenet.hpp>
#include <iop/zoo/vgg.hpp>

namespace {

using namespace iop::zoo;

template <class Network>
constexpr bool costs(std::size_t parameters, std::size_t products) {
  return parameter_count(Network::spec.list()) == parameters &&
         multiply_adds(Network::spec.list()) == products;
}

// LeCun et al. 1998 state 60,000 parameters, with six of 16 maps only partly connected (C3) and a coefficient
// and a bias per map of each pooling; fully connected C3 and plain pooling give 61,706.
static_assert(costs<lenet5>(61'706, 416'520));

static_assert(costs<alexnet>(61'100'840, 714'188'480));

// Krizhevsky et al. 2012: "60 million parameters"; the count of BVLC's Caffe AlexNet. Its multiply-adds are
// usually given as 724 M.
static_assert(costs<alexnet_lrn>(60'965'224, 724'406'816));

static_assert(costs<vgg11>(132'863'336, 7'609'090'048));
static_assert(costs<vgg13>(133'047'848, 11'308'466'176));
static_assert(costs<vgg16>(138'357'544, 15'470'264'320));
static_assert(costs<vgg19>(143'667'240, 19'632'062'464));

static_assert(costs<resnet18>(11'689'512, 1'814'073'344));
static_assert(costs<resnet50>(25'557'032, 4'089'184'256));

// Howard et al. 2017, table 8: 4.2 million parameters, 569 million multiply-adds; Keras counts 4,231,976
// trainable parameters.
static_assert(costs<mobilenet_v1>(4'231'976, 568'740'352));

// Sandler et al. 2018, table 4: 3.4 million parameters, 300 million multiply-adds.
static_assert(costs<mobilenet_v2>(3'504'872, 300'774'272));

static_assert(costs<squeezenet1_1>(1'235'496, 349'151'936));

// Any size has the same parameters where a global pooling comes before the classifier.
static_assert(parameter_count(basic_resnet18<32>::spec.list()) == 11'689'512);
static_assert(parameter_count(basic_resnet50<32>::spec.list()) == 25'557'032);
static_assert(parameter_count(basic_mobilenet_v1<32>::spec.list()) == 4'231'976);
static_assert(parameter_count(basic_mobilenet_v2<32>::spec.list()) == 3'504'872);
static_assert(parameter_count(basic_squeezenet1_1<17>::spec.list()) == 1'235'496);

// The smallest inputs that torchvision accepts (min_size), and narrow networks for tests.
static_assert(basic_alexnet<63, 10, 8>::spec.list().back().out == iop::shape{10});
static_assert(basic_alexnet_lrn<67, 10, 12>::spec.list().back().out == iop::shape{10});
static_assert(basic_vgg11<32, 10, 8>::spec.list().back().out == iop::shape{10});
static_assert(basic_vgg19<32, 10, 8>::spec.list().back().out == iop::shape{10});
static_assert(basic_resnet18<32, 10, 8>::spec.list().back().out == iop::shape{10});
static_assert(basic_resnet50<32, 10, 8>::spec.list().back().out == iop::shape{10});
static_assert(basic_mobilenet_v1<32, 10, 4>::spec.list().back().out == iop::shape{10});
static_assert(basic_mobilenet_v2<32, 10, 4>::spec.list().back().out == iop::shape{10});
static_assert(basic_squeezenet1_1<17, 10>::spec.list().back().out == iop::shape{10});

}  // namespace
