// SPDX-License-Identifier: MIT
// The library itself: the executor of one device that is alone. Compiled once for each network, IOP_NETWORK.

#include "engine.hpp"

#include <board.hpp>
#include <iop/comm/alone.hpp>
#include <iop/file/huge_pages.hpp>
#include <iop/file/safetensors.hpp>
#include <iop/iop.hpp>
#include <iop/zoo/alexnet.hpp>
#include <iop/zoo/lenet5.hpp>
#include <iop/zoo/mobilenet.hpp>
#include <iop/zoo/resnet.hpp>
#include <iop/zoo/vgg.hpp>

namespace iop_bench {

namespace {

using namespace iop::literals;

struct alone {
  using network = iop::zoo::IOP_NETWORK;
  // Whether Winograd's algorithm pays depends on the proportions of this machine's rates.
  static constexpr iop::cluster cluster{board, iop::link{100_Mbitps, 2_ms}};
  static constexpr auto plan = iop::planned<network, cluster, iop::policy::single_device>;
};

class iop_engine final : public engine {
 public:
  explicit iop_engine(const setup& s) : image_(to_hwc(s.image, s.net.ops[0].out)) {
    const auto weights = iop::file::safetensors::open(s.weights);
    if (!weights) throw std::runtime_error(weights.error().message.c_str());
    executor_ = iop::file::make_on_huge_pages<executor>(*weights, transport_);
    if (const iop::error& e = executor_->status()) throw std::runtime_error(e.message.c_str());
  }

  std::span<const float> run() override { return *executor_->run(image_); }
  std::size_t stated_bytes() const override { return executor::weight_bytes() + executor::arena_bytes(); }

 private:
  using executor = iop::executor<alone, 0>;

  iop::comm::alone transport_;
  std::vector<float> image_;
  iop::file::huge_page_ptr<executor> executor_;
};

}  // namespace

std::unique_ptr<engine> make_engine(const setup& s) { return std::make_unique<iop_engine>(s); }

}  // namespace iop_bench
