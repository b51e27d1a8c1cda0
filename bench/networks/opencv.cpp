// SPDX-License-Identifier: MIT
// OpenCV's DNN module on the CPU.

#include "engine.hpp"

#include <opencv2/core.hpp>
#include <opencv2/dnn.hpp>

namespace iop_bench {

namespace {

class opencv final : public engine {
 public:
  explicit opencv(const setup& s) : image_(s.image) {
    cv::setNumThreads(1);
    net_ = cv::dnn::readNetFromONNX(s.model);
    net_.setPreferableBackend(cv::dnn::DNN_BACKEND_OPENCV);
    net_.setPreferableTarget(cv::dnn::DNN_TARGET_CPU);
    const iop::shape& in = s.net.ops.front().out;
    const int shape[] = {1, static_cast<int>(in.channels), static_cast<int>(in.height),
                         static_cast<int>(in.width)};
    in_ = cv::Mat(4, shape, CV_32F, image_.data());
  }

  std::span<const float> run() override {
    net_.setInput(in_);  // without it nothing would be computed again
    out_ = net_.forward();
    return {out_.ptr<float>(), out_.total()};
  }

 private:
  std::vector<float> image_;
  cv::dnn::Net net_;
  cv::Mat in_, out_;
};

}  // namespace

std::unique_ptr<engine> make_engine(const setup& s) { return std::make_unique<opencv>(s); }

}  // namespace iop_bench
