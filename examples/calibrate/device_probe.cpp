// SPDX-License-Identifier: MIT
#include "device_probe.hpp"

#include "stopwatch.hpp"

#include <iop/comm/alone.hpp>
#include <iop/exec/interpreter.hpp>
#include <iop/file/huge_pages.hpp>
#include <iop/kernel/simd.hpp>
#include <iop/model/network.hpp>
#include <iop/planner/cost.hpp>
#include <iop/planner/policies.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <memory>

namespace calibrate {

namespace {

using namespace iop::model;

// Few operators of many kinds, with less weights than small boards have memory: the trunk of VGG with fewer
// convolutions of each size, what differs in AlexNet, and MobileNet's alternation.
struct trunk : network<input<3, 224, 224>, conv2d<64, kernel<3>, pad<1>>, relu, max_pool<2>,  //
                       conv2d<128, kernel<3>, pad<1>>, relu, max_pool<2>,                     //
                       conv2d<256, kernel<3>, pad<1>>, relu, conv2d<256, kernel<3>, pad<1>>, relu,
                       max_pool<2>, conv2d<512, kernel<3>, pad<1>>, relu, max_pool<2>,  //
                       conv2d<512, kernel<3>, pad<1>>, relu, max_pool<2>,               //
                       flatten, dense<512>, relu, dense<4096>, relu, dense<4096>> {};
struct strides : network<input<3, 224, 224>, conv2d<64, kernel<11>, stride<4>, pad<2>>, relu,
                         max_pool<3, stride<2>>, conv2d<192, kernel<5>, pad<2>>, relu, max_pool<3, stride<2>>,
                         conv2d<384, kernel<3>, pad<1>>, relu, conv2d<256, kernel<3>, pad<1>>, relu> {};
struct separable
    : network<input<3, 224, 224>, conv2d<32, kernel<3>, stride<2>, pad<1>>, relu6,
              conv2d<32, kernel<3>, pad<1>, groups<32>>, relu6, conv2d<64, kernel<1>>, relu6,
              conv2d<64, kernel<3>, stride<2>, pad<1>, groups<64>>, relu6, conv2d<128, kernel<1>>, relu6,
              conv2d<128, kernel<3>, pad<1>, groups<128>>, relu6, conv2d<128, kernel<1>>, relu6,
              conv2d<128, kernel<3>, stride<2>, pad<1>, groups<128>>, relu6, conv2d<256, kernel<1>>, relu6,
              residual<conv2d<256, kernel<3>, pad<1>, groups<256>>, relu6, conv2d<256, kernel<1>>>,
              conv2d<256, kernel<3>, stride<2>, pad<1>, groups<256>>, relu6, conv2d<512, kernel<1>>, relu6,
              global_average_pool> {};

// As small as networks for microcontrollers: little work in each operator, and weights that stay in the
// caches of larger boards from one inference to the next.
struct digits : network<input<1, 32, 32>, conv2d<8, kernel<5>, pad<2>>, relu, max_pool<2>,  //
                        conv2d<16, kernel<5>>, relu, max_pool<2>,                           //
                        conv2d<16, kernel<3>, pad<1>>, relu, conv2d<16, kernel<3>, pad<1>, groups<16>>, relu,
                        flatten, dense<128>, relu, dense<64>, relu, dense<10>> {};

constexpr std::size_t most_operators = 32;

/// Numbers that are neither 0 nor grow beyond bounds, the same for every tensor.
class any_weights {
 public:
  iop::result<std::span<const float>> tensor(std::string_view, std::span<const std::size_t> shape) const {
    std::size_t count = 1;
    for (const std::size_t extent : shape) count *= extent;
    for (std::size_t i = values_.size(); i < count; ++i)
      values_.push_back((static_cast<float>(i * 2654435761u % 1021) - 510.0f) / 16384.0f);
    return std::span<const float>(values_).first(count);
  }

 private:
  mutable std::vector<float> values_;
};

std::string describe(const iop::op& o, bool by_winograd) {
  const auto text = [](const iop::shape& s) {
    return fmt::format("{}x{}x{}", s.channels, s.height, s.width);
  };
  std::string made = fmt::format("{} {} > {}", iop::name_of(o.what), text(o.in), text(o.out));
  if (o.what == iop::kind::conv2d) made += fmt::format(", {}x{}", o.win.kernel_height, o.win.kernel_width);
  if (o.win.stride_height > 1) made += fmt::format(" / {}", o.win.stride_height);
  if (iop::is_depthwise(o)) made += ", depthwise";
  if (by_winograd) made += ", Winograd";
  return made;
}

timed_operator::rate rate_for(const iop::op& o, bool by_winograd) {
  using rate = timed_operator::rate;
  if (by_winograd) return iop::is_narrow(o) ? rate::none : rate::winograd;
  if (o.what == iop::kind::dense) return rate::reading;
  if (o.what != iop::kind::conv2d) return rate::none;
  return iop::is_depthwise(o) ? rate::depthwise : iop::is_narrow(o) ? rate::narrow : rate::wide;
}

template <class Network>
void time_network(bool by_winograd, double seconds, std::vector<timed_operator>& into) {
  const iop::exec::network_view net{Network::spec.list(), Network::spec.names, Network::spec.norm_names};
  iop::cluster<1> c;
  c.devices.push_back({"this one", {1e9}, {1e12}, {std::size_t{1} << 40}});
  c.devices[0].skips_padding = true;
  if (by_winograd) c.devices[0].winograd = {1e12};
  const auto plan = iop::planner::make_plan<most_operators>(net.ops, c, iop::policy::single_device);
  const auto steps = std::make_unique<iop::deploy::program<most_operators, 1>>(
      iop::deploy::program_builder<most_operators, 1>(net.ops, plan, 0).build());
  const iop::file::huge_page_floats weights(steps->weight_floats), arena(steps->arena_floats);
  iop::comm::alone mesh;
  iop::exec::interpreter me(net, *steps, weights.all(), arena.all(), any_weights{}, mesh);
  std::vector<float> image(net.ops[0].out.size());
  for (std::size_t i = 0; i < image.size(); ++i) image[i] = static_cast<float>(i * 31 % 255) / 255;

  stopwatch watch;
  (void)me.run(image);  // touches all memory
  const double begin = computed();
  for (int runs = 0; runs < 3 || computed() - begin < seconds; ++runs) {
    watch.start();
    (void)me.run(image, watch);
  }
  for (std::size_t i = 0; i < steps->steps.size(); ++i) {
    const auto& step = steps->steps[i].compute;
    const iop::op& o = net.ops[step.tensor];
    // With Winograd's algorithm only those that it computes: the others were timed before.
    if (by_winograd && !step.by_winograd) continue;
    const auto work =
        iop::planner::work_of(c.devices[0], o, iop::whole(o.in), iop::whole(o.out), step.by_winograd);
    into.push_back({describe(o, step.by_winograd), rate_for(o, step.by_winograd), work.flops, work.bytes,
                    std::max(watch.seconds(i), 1e-9)});
  }
}

/// All work over all time, so that large operators, which decide an inference, count most.
double rate_of(const std::vector<timed_operator>& all, timed_operator::rate which) {
  double work = 0, seconds = 0;
  for (const timed_operator& o : all) {
    if (o.counts_for != which) continue;
    work += which == timed_operator::rate::reading ? o.bytes : o.flops;
    seconds += o.seconds;
  }
  return seconds > 0 ? work / seconds : 0;
}

}  // namespace

double device_model::seconds(const timed_operator& o) const {
  using rate = timed_operator::rate;
  const iop::compute_rate own = o.counts_for == rate::winograd    ? device.winograd
                                : o.counts_for == rate::depthwise ? device.depthwise
                                : o.counts_for == rate::narrow    ? device.narrow
                                                                  : device.compute;
  return std::max(o.flops / own.flops_per_second, o.bytes / device.memory_bandwidth.bytes_per_second);
}

device_model measure_device(double seconds, bool is_small) {
  device_model made;
  if (is_small) {
    for (const bool by_winograd : {false, true})
      time_network<digits>(by_winograd, std::max(0.5 * seconds, 0.1), made.operators);
  } else {
    time_network<trunk>(false, 0.4 * seconds, made.operators);
    time_network<strides>(false, 0.1 * seconds, made.operators);
    time_network<separable>(false, 0.1 * seconds, made.operators);
    time_network<trunk>(true, 0.4 * seconds, made.operators);
  }
  using rate = timed_operator::rate;
  made.device.channel_step = iop::kernel::simd::lanes;
  made.device.skips_padding = true;
  made.device.compute = {rate_of(made.operators, rate::wide)};
  made.device.memory_bandwidth = {rate_of(made.operators, rate::reading)};
  made.device.winograd = {rate_of(made.operators, rate::winograd)};
  made.device.depthwise = {rate_of(made.operators, rate::depthwise)};
  made.device.narrow = {rate_of(made.operators, rate::narrow)};
  return made;
}

}  // namespace calibrate
