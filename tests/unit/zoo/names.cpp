// SPDX-License-Identifier: MIT
// The tensors of the zoo are called what torchvision's state_dicts call them. The expected names come from
// loops like those in torchvision's constructors; each name stands with the number of its output channels.
#include <iop/zoo/alexnet.hpp>
#include <iop/zoo/lenet5.hpp>
#include <iop/zoo/mobilenet.hpp>
#include <iop/zoo/resnet.hpp>
#include <iop/zoo/squeezenet.hpp>
#include <iop/zoo/vgg.hpp>

#include <algorithm>
#include <map>
#include <string>
#include <vector>

#include "catch.hpp"

using namespace iop::zoo;
using std::to_string;
using tensors = std::map<std::string, std::size_t>;

namespace {

template <class Network>
tensors tensors_of() {
  tensors all;
  const auto& spec = Network::spec;
  const auto add = [&all](auto name, std::size_t channels) {
    if (name.empty()) return;
    INFO(name.view());
    CHECK(all.emplace(std::string(name.view()), channels).second);  // no name twice
  };
  for (std::size_t i = 0; i < spec.size(); ++i) {
    CHECK(spec.names[i].empty() == !is_weighted(spec.ops[i]));
    CHECK(spec.norm_names[i].empty() == !spec.ops[i].norm);
    add(spec.names[i], spec.ops[i].out.channels);
    add(spec.norm_names[i], spec.ops[i].out.channels);
  }
  return all;
}

tensors vgg_tensors(const std::vector<std::size_t>& convolutions_per_stage) {
  tensors all;
  std::size_t index = 0, channels = 64;
  for (const std::size_t count : convolutions_per_stage) {
    for (std::size_t i = 0; i < count; ++i, index += 2) all["features." + to_string(index)] = channels;
    ++index;
    channels = std::min<std::size_t>(2 * channels, 512);
  }
  all["classifier.0"] = all["classifier.3"] = 4096;
  all["classifier.6"] = 1000;
  return all;
}

tensors resnet_tensors(const std::vector<std::size_t>& blocks_per_layer, bool bottleneck) {
  tensors all{{"conv1", 64}, {"bn1", 64}, {"fc", 1000}};
  std::size_t planes = 64, channels = 64;
  for (std::size_t layer = 0; layer < blocks_per_layer.size(); ++layer, planes *= 2) {
    const std::size_t outs = bottleneck ? 4 * planes : planes;
    for (std::size_t block = 0; block < blocks_per_layer[layer]; ++block) {
      const std::string prefix = "layer" + to_string(layer + 1) + "." + to_string(block) + ".";
      if (channels != outs) all[prefix + "downsample.0"] = all[prefix + "downsample.1"] = outs;
      channels = outs;
      all[prefix + "conv1"] = all[prefix + "bn1"] = all[prefix + "conv2"] = all[prefix + "bn2"] = planes;
      if (bottleneck) all[prefix + "conv3"] = all[prefix + "bn3"] = outs;
    }
  }
  return all;
}

tensors mobilenet_v2_tensors() {
  tensors all{{"features.0.0", 32},
              {"features.0.1", 32},
              {"features.18.0", 1280},
              {"features.18.1", 1280},
              {"classifier.1", 1000}};
  const std::size_t settings[][3] = {{1, 16, 1}, {6, 24, 2},  {6, 32, 3}, {6, 64, 4},
                                     {6, 96, 3}, {6, 160, 3}, {6, 320, 1}};
  std::size_t index = 1, channels = 32;
  for (const auto& [expand, outs, count] : settings)
    for (std::size_t i = 0; i < count; ++i, channels = outs) {
      const std::string prefix = "features." + to_string(index++) + ".conv.";
      std::size_t part = 0;
      for (; part < (expand == 1 ? 1u : 2u); ++part)
        all[prefix + to_string(part) + ".0"] = all[prefix + to_string(part) + ".1"] = expand * channels;
      all[prefix + to_string(part)] = all[prefix + to_string(part + 1)] = outs;
    }
  return all;
}

}  // namespace

TEST_CASE("AlexNet, LeNet: torchvision's and Caffe's names", "[zoo]") {
  CHECK(tensors_of<lenet5>() == tensors{{"conv1", 6}, {"conv2", 16}, {"fc1", 120}, {"fc2", 84}, {"fc3", 10}});
  CHECK(tensors_of<alexnet>() == tensors{{"features.0", 64},
                                         {"features.3", 192},
                                         {"features.6", 384},
                                         {"features.8", 256},
                                         {"features.10", 256},
                                         {"classifier.1", 4096},
                                         {"classifier.4", 4096},
                                         {"classifier.6", 1000}});
  CHECK(tensors_of<alexnet_lrn>() == tensors{{"conv1", 96},
                                             {"conv2", 256},
                                             {"conv3", 384},
                                             {"conv4", 384},
                                             {"conv5", 256},
                                             {"fc6", 4096},
                                             {"fc7", 4096},
                                             {"fc8", 1000}});
}

TEST_CASE("VGG: torchvision's names", "[zoo]") {
  CHECK(tensors_of<vgg11>() == vgg_tensors({1, 1, 2, 2, 2}));
  CHECK(tensors_of<vgg13>() == vgg_tensors({2, 2, 2, 2, 2}));
  CHECK(tensors_of<vgg16>() == vgg_tensors({2, 2, 3, 3, 3}));
  CHECK(tensors_of<vgg19>() == vgg_tensors({2, 2, 4, 4, 4}));
}

TEST_CASE("ResNet: torchvision's names", "[zoo]") {
  CHECK(tensors_of<resnet18>() == resnet_tensors({2, 2, 2, 2}, false));
  CHECK(tensors_of<resnet50>() == resnet_tensors({3, 4, 6, 3}, true));
}

TEST_CASE("MobileNet: torchvision's and timm's names", "[zoo]") {
  CHECK(tensors_of<mobilenet_v2>() == mobilenet_v2_tensors());

  tensors expected{{"conv_stem", 32}, {"bn1", 32}, {"classifier", 1000}};
  const std::size_t stages[][2] = {{64, 1}, {128, 2}, {256, 2}, {512, 6}, {1024, 2}};
  std::size_t channels = 32, stage = 0;
  for (const auto& [outs, count] : stages) {
    for (std::size_t block = 0; block < count; ++block, channels = outs) {
      const std::string prefix = "blocks." + to_string(stage) + "." + to_string(block) + ".";
      expected[prefix + "conv_dw"] = expected[prefix + "bn1"] = channels;
      expected[prefix + "conv_pw"] = expected[prefix + "bn2"] = outs;
    }
    ++stage;
  }
  CHECK(tensors_of<mobilenet_v1>() == expected);
}

TEST_CASE("SqueezeNet: torchvision's names", "[zoo]") {
  tensors expected{{"features.0", 64}, {"classifier.1", 1000}};
  const std::size_t fires[][3] = {{3, 16, 64},  {4, 16, 64},   {6, 32, 128},  {7, 32, 128},
                                  {9, 48, 192}, {10, 48, 192}, {11, 64, 256}, {12, 64, 256}};
  for (const auto& [index, squeeze, expand] : fires) {
    const std::string prefix = "features." + to_string(index) + ".";
    expected[prefix + "squeeze"] = squeeze;
    expected[prefix + "expand1x1"] = expected[prefix + "expand3x3"] = expand;
  }
  CHECK(tensors_of<squeezenet1_1>() == expected);
}

TEST_CASE("residual blocks of the zoo add where the papers add", "[zoo]") {
  const auto additions = [](iop::op_list ops) {
    std::size_t sum = 0;
    for (const iop::op& o : ops) sum += o.what == iop::kind::add;
    return sum;
  };
  CHECK(additions(resnet18::spec.list()) == 8);
  CHECK(additions(resnet50::spec.list()) == 16);
  CHECK(additions(mobilenet_v2::spec.list()) == 10);
  for (const iop::op& o : resnet50::spec.list())
    CHECK((o.what != iop::kind::add || o.act == iop::activation::relu));
  for (const iop::op& o : mobilenet_v2::spec.list())
    CHECK((o.what != iop::kind::add || o.act == iop::activation::none));
}
