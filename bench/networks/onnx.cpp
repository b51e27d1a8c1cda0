// SPDX-License-Identifier: MIT
// Writes a network and its weights as ONNX, for the engines that read it. Tensor i is the output of operator
// i; an activation is a node of its own, which every engine fuses.

#include "engine.hpp"
#include "layers.hpp"

#include <fmt/core.h>
#include <onnx/onnx_pb.h>
#include <CLI/CLI.hpp>

#include <exception>
#include <fstream>
#include <initializer_list>

namespace iop_bench {

namespace {

class writer {
 public:
  writer(const network& net, const layers& source) : net_(net), source_(source) {
    model_.set_ir_version(5);
    model_.set_producer_name("iop bench");
    model_.add_opset_import()->set_version(10);  // the last whose Clip OpenCV 4.6 can read
    graph_ = model_.mutable_graph();
    graph_->set_name(std::string(net.name));
    const iop::shape& in = net.ops.front().out;
    describe(*graph_->add_input(), "image", {1, in.channels, in.height, in.width});
    describe(*graph_->add_output(), "scores", {1, net.ops.back().out.channels});
    values_.push_back("image");
    for (std::size_t i = 1; i < net.ops.size(); ++i) add(i);
  }

  void write(const std::string& path) const {
    std::ofstream file(path, std::ios::binary);
    if (!model_.SerializeToOstream(&file)) throw std::runtime_error("cannot be written");
  }

 private:
  static void describe(onnx::ValueInfoProto& value, const char* name,
                       std::initializer_list<std::size_t> shape) {
    value.set_name(name);
    auto* type = value.mutable_type()->mutable_tensor_type();
    type->set_elem_type(onnx::TensorProto::FLOAT);
    for (const std::size_t extent : shape)
      type->mutable_shape()->add_dim()->set_dim_value(static_cast<std::int64_t>(extent));
  }

  onnx::NodeProto& node(const char* type, std::initializer_list<std::string> inputs, std::string output) {
    onnx::NodeProto& n = *graph_->add_node();
    n.set_op_type(type);
    n.set_name(output);
    for (const std::string& input : inputs) n.add_input(input);
    n.add_output(std::move(output));
    return n;
  }

  static void attribute(onnx::NodeProto& n, const char* name, std::initializer_list<std::size_t> values) {
    onnx::AttributeProto& a = *n.add_attribute();
    a.set_name(name);
    a.set_type(onnx::AttributeProto::INTS);
    for (const std::size_t value : values) a.add_ints(static_cast<std::int64_t>(value));
  }
  static void attribute(onnx::NodeProto& n, const char* name, float value) {
    onnx::AttributeProto& a = *n.add_attribute();
    a.set_name(name);
    a.set_type(onnx::AttributeProto::FLOAT);
    a.set_f(value);
  }
  static void attribute(onnx::NodeProto& n, const char* name, std::size_t value) {
    onnx::AttributeProto& a = *n.add_attribute();
    a.set_name(name);
    a.set_type(onnx::AttributeProto::INT);
    a.set_i(static_cast<std::int64_t>(value));
  }

  std::string constant(std::string name, std::initializer_list<std::size_t> shape,
                       std::span<const float> data) {
    onnx::TensorProto& t = *graph_->add_initializer();
    t.set_name(name);
    t.set_data_type(onnx::TensorProto::FLOAT);
    for (const std::size_t extent : shape) t.add_dims(static_cast<std::int64_t>(extent));
    t.set_raw_data(data.data(), data.size_bytes());
    return name;
  }

  static void add_window(onnx::NodeProto& n, const iop::window& w) {
    attribute(n, "kernel_shape", {w.kernel_height, w.kernel_width});
    attribute(n, "strides", {w.stride_height, w.stride_width});
    attribute(n, "pads", {w.pad_top, w.pad_left, w.pad_bottom, w.pad_right});
  }

  void add(std::size_t number) {
    const iop::op& o = net_.ops[number];
    const bool is_last = number + 1 == net_.ops.size();
    const std::string result = is_last ? "scores" : fmt::format("tensor{}", number);
    const std::string linear = o.act == iop::activation::none ? result : result + "_linear";
    std::string in = values_[o.inputs[0]];
    switch (o.what) {
      case iop::kind::conv2d: {
        const layer l = source_.read(number);
        onnx::NodeProto& n =
            node("Conv",
                 {in,
                  constant(result + "_weight",
                           {o.out.channels, iop::channels_read(o), o.win.kernel_height, o.win.kernel_width},
                           l.weight),
                  constant(result + "_bias", {o.out.channels}, l.bias)},
                 linear);
        add_window(n, o.win);
        attribute(n, "dilations", {o.win.dilation_height, o.win.dilation_width});
        attribute(n, "group", o.groups);
        break;
      }
      case iop::kind::dense: {
        if (!flat_[o.inputs[0]]) {
          node("Flatten", {in}, result + "_flat");
          in = result + "_flat";
        }
        const layer l = source_.read(number);
        onnx::NodeProto& n = node("Gemm",
                                  {in, constant(result + "_weight", {o.out.channels, o.in.size()}, l.weight),
                                   constant(result + "_bias", {o.out.channels}, l.bias)},
                                  linear);
        attribute(n, "transB", std::size_t{1});
        break;
      }
      case iop::kind::max_pool:
        add_window(node("MaxPool", {in}, linear), o.win);
        break;
      case iop::kind::average_pool: {
        if (is_global(o)) {
          node("GlobalAveragePool", {in}, linear);
          break;
        }
        onnx::NodeProto& n = node("AveragePool", {in}, linear);
        add_window(n, o.win);
        attribute(n, "count_include_pad", std::size_t{o.count_padding});
        break;
      }
      case iop::kind::add:
        node("Add", {in, values_[o.inputs[1]]}, linear);
        break;
      case iop::kind::elementwise:
        if (o.act == iop::activation::none) throw unsupported("an operator without an effect");
        node("Identity", {in}, linear);
        break;
      default:
        throw unsupported(fmt::format("{} is not written as ONNX", iop::name_of(o.what)));
    }
    if (o.act == iop::activation::relu) {
      node("Relu", {linear}, result);
    } else if (o.act != iop::activation::none) {
      const cut_off c = cut_off_of(o);
      onnx::NodeProto& n = node("Clip", {linear}, result);
      attribute(n, "min", c.low);
      attribute(n, "max", c.high);
    }
    values_.push_back(result);
    flat_[number] = o.what == iop::kind::dense;
  }

  const network& net_;
  const layers& source_;
  onnx::ModelProto model_{};
  onnx::GraphProto* graph_ = nullptr;
  std::vector<std::string> values_{};  ///< the name of each operator's output
  std::vector<bool> flat_ = std::vector<bool>(net_.ops.size());
};

}  // namespace

}  // namespace iop_bench

int main(int argc, char** argv) {
  std::string name, weights, path;
  CLI::App app("Writes a network and its weights as ONNX.");
  app.add_option("network", name)->required();
  app.add_option("weights", weights, "safetensors")->required();
  app.add_option("file", path)->required();
  CLI11_PARSE(app, argc, argv);
  try {
    const iop_bench::network& net = iop_bench::find_network(name);
    iop_bench::writer(net, iop_bench::layers(net, weights)).write(path);
  } catch (const std::exception& e) {
    fmt::print(stderr, "{}: {}\n", path, e.what());
    return 1;
  }
}
