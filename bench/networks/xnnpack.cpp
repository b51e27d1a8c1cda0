// SPDX-License-Identifier: MIT
// XNNPACK through its subgraph interface, on the calling thread. Its tensors are height × width × channels.

#include "engine.hpp"
#include "layers.hpp"

#include <fmt/core.h>
#include <xnnpack.h>

#include <deque>

namespace iop_bench {

namespace {

void check(xnn_status status, std::string_view what) {
  if (status != xnn_status_success)
    throw unsupported(fmt::format("XNNPACK: status {} of {}", int{status}, what));
}

std::uint32_t u32(std::size_t value) { return static_cast<std::uint32_t>(value); }

class xnnpack final : public engine {
 public:
  explicit xnnpack(const setup& s) : source_(s.net, s.weights) {
    check(xnn_initialize(nullptr), "initialising");
    check(xnn_create_subgraph(2, 0, &graph_), "the graph");
    const std::size_t last = s.net.ops.size() - 1;
    for (std::size_t i = 0; i <= last; ++i) {
      const iop::shape& shape = s.net.ops[i].out;
      const std::uint32_t flags = i == 0      ? XNN_VALUE_FLAG_EXTERNAL_INPUT
                                  : i == last ? XNN_VALUE_FLAG_EXTERNAL_OUTPUT
                                              : 0u;
      const std::uint32_t id = i == 0 ? 0 : i == last ? 1 : XNN_INVALID_VALUE_ID;
      if (s.net.ops[i].what == iop::kind::dense)
        values_.push_back(define({1, shape.channels}, nullptr, id, flags));
      else
        values_.push_back(define({1, shape.height, shape.width, shape.channels}, nullptr, id, flags));
      if (i > 0) add(s.net.ops[i], i);
    }
    check(xnn_create_runtime_v2(graph_, nullptr, 0, &runtime_), "the runtime");
    // What the weights of a layer are read from is not needed once they are packed; the interface wants it
    // kept.
    image_ = to_hwc(s.image, s.net.ops[0].out);
    image_.resize(image_.size() + XNN_EXTRA_BYTES / sizeof(float));  // it may read so far behind the end
    scores_.resize(s.net.ops[last].out.size());
    const xnn_external_value ends[] = {{0, image_.data()}, {1, scores_.data()}};
    check(xnn_setup_runtime(runtime_, 2, ends), "the ends");
  }

  std::span<const float> run() override {
    check(xnn_invoke_runtime(runtime_), "a run");
    return scores_;
  }

 private:
  std::uint32_t define(std::vector<std::size_t> shape, const void* data,
                       std::uint32_t external = XNN_INVALID_VALUE_ID, std::uint32_t flags = 0) {
    std::uint32_t id = 0;
    check(xnn_define_tensor_value(graph_, xnn_datatype_fp32, shape.size(), shape.data(), data, external,
                                  flags, &id),
          "a tensor");
    return id;
  }

  /// Output × height × width × input channels; for depthwise layers height × width × output.
  const std::vector<float>& keep_weight(const iop::op& o, const std::vector<float>& oihw) {
    const std::size_t outs = o.out.channels, ins = iop::channels_read(o), area = iop::kernel_area(o);
    std::vector<float>& made = kept_.emplace_back(oihw.size());
    const bool depthwise = iop::is_depthwise(o);
    for (std::size_t out = 0; out < outs; ++out)
      for (std::size_t in = 0; in < ins; ++in)
        for (std::size_t tap = 0; tap < area; ++tap)
          made[depthwise ? tap * outs + out : (out * area + tap) * ins + in] =
              oihw[(out * ins + in) * area + tap];
    return made;
  }

  void add(const iop::op& o, std::size_t number) {
    const auto [low, high] = cut_off_of(o);
    const std::uint32_t in = values_[o.inputs[0]], out = values_[number];
    const iop::window& w = o.win;
    const std::uint32_t top = u32(w.pad_top), right = u32(w.pad_right), bottom = u32(w.pad_bottom),
                        left = u32(w.pad_left), kernel_height = u32(w.kernel_height),
                        kernel_width = u32(w.kernel_width), stride_height = u32(w.stride_height),
                        stride_width = u32(w.stride_width), dilation_height = u32(w.dilation_height),
                        dilation_width = u32(w.dilation_width);
    const std::size_t ins = iop::channels_read(o), outs = o.out.channels;
    xnn_status done = xnn_status_unsupported_parameter;
    if (iop::is_weighted(o)) {
      layer l = source_.read(number);
      const float* weight = keep_weight(o, l.weight).data();
      const std::uint32_t bias = define({outs}, kept_.emplace_back(std::move(l.bias)).data());
      if (o.what == iop::kind::dense) {
        const std::uint32_t filter = define({outs, o.in.size()}, weight);
        done = xnn_define_fully_connected(graph_, low, high, in, filter, bias, out,
                                          XNN_FLAG_TENSORFLOW_RESHAPE_2D);
      } else if (iop::is_depthwise(o)) {
        const std::uint32_t filter = define({1, w.kernel_height, w.kernel_width, outs}, weight);
        done = xnn_define_depthwise_convolution_2d(graph_, top, right, bottom, left, kernel_height,
                                                   kernel_width, stride_height, stride_width, dilation_height,
                                                   dilation_width, u32(outs / o.in.channels), o.in.channels,
                                                   low, high, in, filter, bias, out, 0);
      } else {
        const std::uint32_t filter = define({outs, w.kernel_height, w.kernel_width, ins}, weight);
        done = xnn_define_convolution_2d(graph_, top, right, bottom, left, kernel_height, kernel_width,
                                         stride_height, stride_width, dilation_height, dilation_width,
                                         u32(o.groups), ins, outs / o.groups, low, high, in, filter, bias,
                                         out, 0);
      }
    } else if (is_global(o)) {
      done = xnn_define_global_average_pooling_2d(graph_, low, high, in, out, 0);
    } else if (o.what == iop::kind::max_pool) {
      done = xnn_define_max_pooling_2d(graph_, top, right, bottom, left, kernel_height, kernel_width,
                                       stride_height, stride_width, dilation_height, dilation_width, low,
                                       high, in, out, 0);
    } else if (o.what == iop::kind::add) {
      done = xnn_define_add2(graph_, low, high, in, values_[o.inputs[1]], out, 0);
    } else if (o.what == iop::kind::elementwise) {
      done = xnn_define_clamp(graph_, low, high, in, out, 0);
    }
    check(done, iop::name_of(o.what));
  }

  layers source_;
  xnn_subgraph_t graph_ = nullptr;
  xnn_runtime_t runtime_ = nullptr;
  std::vector<std::uint32_t> values_{};
  std::deque<std::vector<float>> kept_{};
  std::vector<float> image_{}, scores_{};
};

}  // namespace

std::unique_ptr<engine> make_engine(const setup& s) { return std::make_unique<xnnpack>(s); }

}  // namespace iop_bench
