// SPDX-License-Identifier: MIT
// oneDNN with layouts of its own choice: direct convolution, or Winograd for every convolution that it can do
// so (its own choice, `auto`, never is Winograd). Activations are fused as post-operations.

#include "engine.hpp"
#include "layers.hpp"

#include <fmt/core.h>
#include <dnnl.hpp>

#include <unordered_map>

namespace iop_bench {

namespace {

using dims = dnnl::memory::dims;
using tag = dnnl::memory::format_tag;
using md = dnnl::memory::desc;

constexpr auto f32 = dnnl::memory::data_type::f32;
constexpr auto inference = dnnl::prop_kind::forward_inference;

dnnl::memory::dim dim(std::size_t value) { return static_cast<dnnl::memory::dim>(value); }
dims shape_of(const iop::shape& s) { return {1, dim(s.channels), dim(s.height), dim(s.width)}; }
md any(const dims& shape) { return {shape, f32, tag::any}; }

dnnl::primitive_attr activation_of(const iop::op& o) {
  dnnl::primitive_attr attributes;
  dnnl::post_ops after;
  if (o.act == iop::activation::relu)
    after.append_eltwise(1.0f, dnnl::algorithm::eltwise_relu, 0.0f, 0.0f);
  else if (o.act != iop::activation::none)
    after.append_eltwise(1.0f, dnnl::algorithm::eltwise_clip, cut_off_of(o).low, cut_off_of(o).high);
  attributes.set_post_ops(after);
  return attributes;
}

class onednn final : public engine {
 public:
  explicit onednn(const setup& s)
      : source_(s.net, s.weights), winograd_(s.variant == "winograd"), image_(s.image) {
    values_.emplace_back(md(shape_of(s.net.ops[0].out), f32, tag::nchw), engine_, image_.data());
    for (std::size_t i = 1; i < s.net.ops.size(); ++i) add(s.net.ops[i], i);
    if (winograd_ && winograd_count_ == 0)
      throw unsupported("oneDNN has no Winograd convolution for this network on this processor");
    scores_.resize(s.net.ops.back().out.size());
    const dims out = values_.back().get_desc().dims();
    const md plain(out, f32, out.size() == 2 ? tag::nc : tag::nchw);
    const dnnl::memory last(plain, engine_, scores_.data());
    reorder(values_.back(), last);
  }

  std::span<const float> run() override {
    for (step& s : steps_) s.what.execute(stream_, s.arguments);
    stream_.wait();
    return scores_;
  }

 private:
  struct step {
    dnnl::primitive what;
    std::unordered_map<int, dnnl::memory> arguments;
  };

  void reorder(const dnnl::memory& from, const dnnl::memory& to) {
    steps_.push_back({dnnl::reorder(from, to), {{DNNL_ARG_FROM, from}, {DNNL_ARG_TO, to}}});
  }

  /// In the layout that a primitive wants.
  dnnl::memory as(const dnnl::memory& value, const md& wanted) {
    if (value.get_desc() == wanted) return value;
    const dnnl::memory other(wanted, engine_);
    reorder(value, other);
    return other;
  }

  /// Once, while loading.
  dnnl::memory packed(std::vector<float>& from, const md& plain, const md& wanted) {
    dnnl::memory source(plain, engine_, from.data());
    dnnl::memory made(wanted, engine_);
    dnnl::reorder(source, made).execute(stream_, source, made);
    stream_.wait();
    return made;
  }

  dnnl::convolution_forward::primitive_desc convolution(const iop::op& o, const dims& weight) {
    const iop::window& w = o.win;
    const auto describe = [&](dnnl::algorithm how) {
      return dnnl::convolution_forward::primitive_desc(
          {inference, how, any(shape_of(o.in)), any(weight), any({dim(o.out.channels)}), any(shape_of(o.out)),
           dims{dim(w.stride_height), dim(w.stride_width)},
           dims{dim(w.dilation_height - 1), dim(w.dilation_width - 1)}, dims{dim(w.pad_top), dim(w.pad_left)},
           dims{dim(w.pad_bottom), dim(w.pad_right)}},
          activation_of(o), engine_);
    };
    if (winograd_ && o.groups == 1 && w.kernel_height == 3 && w.kernel_width == 3 && w.stride_height == 1 &&
        w.stride_width == 1) {
      try {
        auto made = describe(dnnl::algorithm::convolution_winograd);
        ++winograd_count_;
        return made;
      } catch (const dnnl::error&) {  // not for this shape or processor
      }
    }
    return describe(dnnl::algorithm::convolution_direct);
  }

  template <class Primitive, class Descriptor>
  void append(const Descriptor& d, std::unordered_map<int, dnnl::memory> arguments) {
    const dnnl::memory out(d.dst_desc(), engine_);
    arguments.emplace(DNNL_ARG_DST, out);
    steps_.push_back({Primitive(d), std::move(arguments)});
    values_.push_back(out);
  }

  void add(const iop::op& o, std::size_t number) {
    const dnnl::memory in = values_[o.inputs[0]];
    const iop::window& w = o.win;
    switch (o.what) {
      case iop::kind::conv2d: {
        layer l = source_.read(number);
        const std::size_t outs = o.out.channels, ins = iop::channels_read(o);
        const bool grouped = o.groups > 1;
        const dims weight = grouped ? dims{dim(o.groups), dim(outs / o.groups), dim(ins),
                                           dim(w.kernel_height), dim(w.kernel_width)}
                                    : dims{dim(outs), dim(ins), dim(w.kernel_height), dim(w.kernel_width)};
        const auto d = convolution(o, weight);
        append<dnnl::convolution_forward>(
            d, {{DNNL_ARG_SRC, as(in, d.src_desc())},
                {DNNL_ARG_WEIGHTS,
                 packed(l.weight, md(weight, f32, grouped ? tag::goihw : tag::oihw), d.weights_desc())},
                {DNNL_ARG_BIAS, packed(l.bias, md({dim(outs)}, f32, tag::a), d.bias_desc())}});
        break;
      }
      case iop::kind::dense: {
        layer l = source_.read(number);
        const bool flat = in.get_desc().dims().size() == 2;
        const dims from = in.get_desc().dims();
        dims weight = from;
        weight[0] = dim(o.out.channels);
        const dnnl::inner_product_forward::primitive_desc d(
            {inference, any(from), any(weight), any({weight[0]}), any({1, weight[0]})}, activation_of(o),
            engine_);
        append<dnnl::inner_product_forward>(
            d, {{DNNL_ARG_SRC, as(in, d.src_desc())},
                {DNNL_ARG_WEIGHTS,
                 packed(l.weight, md(weight, f32, flat ? tag::oi : tag::oihw), d.weights_desc())},
                {DNNL_ARG_BIAS, packed(l.bias, md({weight[0]}, f32, tag::a), d.bias_desc())}});
        break;
      }
      case iop::kind::max_pool:
      case iop::kind::average_pool: {
        const auto how = o.what == iop::kind::max_pool ? dnnl::algorithm::pooling_max
                         : o.count_padding             ? dnnl::algorithm::pooling_avg_include_padding
                                                       : dnnl::algorithm::pooling_avg_exclude_padding;
        const dnnl::pooling_forward::primitive_desc d(
            {inference, how, in.get_desc(), any(shape_of(o.out)),
             dims{dim(w.stride_height), dim(w.stride_width)}, dims{dim(w.kernel_height), dim(w.kernel_width)},
             dims{dim(w.pad_top), dim(w.pad_left)}, dims{dim(w.pad_bottom), dim(w.pad_right)}},
            activation_of(o), engine_);
        append<dnnl::pooling_forward>(d, {{DNNL_ARG_SRC, in}});
        break;
      }
      case iop::kind::add: {
        const dnnl::memory other = as(values_[o.inputs[1]], in.get_desc());
        const dnnl::binary::primitive_desc d(
            {dnnl::algorithm::binary_add, in.get_desc(), other.get_desc(), in.get_desc()}, activation_of(o),
            engine_);
        append<dnnl::binary>(d, {{DNNL_ARG_SRC_0, in}, {DNNL_ARG_SRC_1, other}});
        break;
      }
      default:
        throw unsupported(fmt::format("{} is not built for oneDNN", iop::name_of(o.what)));
    }
  }

  dnnl::engine engine_{dnnl::engine::kind::cpu, 0};
  dnnl::stream stream_{engine_};
  layers source_;
  bool winograd_;
  std::size_t winograd_count_ = 0;
  std::vector<float> image_, scores_{};
  std::vector<dnnl::memory> values_{};
  std::vector<step> steps_{};
};

}  // namespace

std::unique_ptr<engine> make_engine(const setup& s) { return std::make_unique<onednn>(s); }

}  // namespace iop_bench
