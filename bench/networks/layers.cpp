// SPDX-License-Identifier: MIT
#include "layers.hpp"

#include "engine.hpp"

#include <iop/exec/load.hpp>

#include <limits>
#include <utility>

namespace iop_bench {

namespace {

iop::file::safetensors open(const std::string& path) {
  auto file = iop::file::safetensors::open(path);
  if (!file) throw std::runtime_error(file.error().message.c_str());
  return std::move(*file);
}

}  // namespace

layers::layers(const network& net, const std::string& path) : net_(net), file_(open(path)) {}

std::span<const float> layers::tensor(const std::string& name, std::vector<std::size_t> shape) const {
  const auto found = file_.tensor(name, shape);
  if (!found) throw std::runtime_error(found.error().message.c_str());
  return *found;
}

layer layers::read(std::size_t number) const {
  const iop::op& o = net_.ops[number];
  const std::string name(net_.names[number].view()), norm_name(net_.norm_names[number].view());
  const std::size_t outs = o.out.channels, ins = iop::channels_read(o), area = iop::kernel_area(o);

  const auto weight = o.what == iop::kind::dense
                          ? tensor(name + ".weight", {outs, ins * area})
                          : tensor(name + ".weight", {outs, ins, o.win.kernel_height, o.win.kernel_width});
  layer made{{weight.begin(), weight.end()}, std::vector<float>(outs)};
  if (o.bias && !o.bias_from_norm) {
    const auto bias = tensor(name + ".bias", {outs});
    made.bias.assign(bias.begin(), bias.end());
  }
  if (!o.norm) return made;

  iop::exec::folded_norm norm;
  norm.epsilon = static_cast<double>(o.norm_epsilon);
  norm.weight = tensor(norm_name + ".weight", {outs});
  norm.bias = tensor(norm_name + ".bias", {outs});
  norm.mean = tensor(norm_name + ".running_mean", {outs});
  norm.variance = tensor(norm_name + ".running_var", {outs});
  for (std::size_t c = 0; c < outs; ++c) {
    const double scale = norm.scale(c);
    for (std::size_t i = 0; i < ins * area; ++i) {
      float& w = made.weight[c * ins * area + i];
      w = static_cast<float>(static_cast<double>(w) * scale);
    }
    made.bias[c] = static_cast<float>(static_cast<double>(made.bias[c]) * scale + norm.shift(c));
  }
  return made;
}

cut_off cut_off_of(const iop::op& o) {
  constexpr float infinity = std::numeric_limits<float>::infinity();
  switch (o.act) {
    case iop::activation::none:
      return {-infinity, infinity};
    case iop::activation::relu:
      return {0, infinity};
    case iop::activation::relu6:
      return {0, 6};
    default:
      throw unsupported("activations other than relu and relu6 are not built for this engine");
  }
}

bool is_global(const iop::op& o) {
  return o.what == iop::kind::average_pool && o.out.height == 1 && o.out.width == 1 &&
         o.win.kernel_height == o.in.height && o.win.kernel_width == o.in.width;
}

}  // namespace iop_bench
