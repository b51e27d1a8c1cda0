// SPDX-License-Identifier: MIT
// GFLOP/s of convolutions and dense layers as networks have them: bench_conv2d [seconds per shape]. Counts
// the multiply-adds that hit the input, so that padding earns nothing. The best of several runs is printed.

#include <iop/kernel/conv2d.hpp>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <vector>

namespace {

using namespace iop::kernel;

struct layer {
  const char* name;
  std::size_t size, in_channels, out_channels, kernel, stride, pad, groups;
};

constexpr layer layers[] = {
    {"lenet conv1", 28, 1, 6, 5, 1, 2, 1},
    {"lenet conv2", 14, 6, 16, 5, 1, 0, 1},
    {"lenet fc1", 5, 16, 120, 5, 1, 0, 1},
    {"alexnet conv1", 224, 3, 64, 11, 4, 2, 1},
    {"alexnet conv2", 27, 64, 192, 5, 1, 2, 1},
    {"alexnet conv3", 13, 192, 384, 3, 1, 1, 1},
    {"alexnet conv5", 13, 256, 256, 3, 1, 1, 1},
    {"conv5, a third of the outputs", 13, 256, 86, 3, 1, 1, 1},
    {"vgg conv1", 224, 3, 64, 3, 1, 1, 1},
    {"vgg conv2", 112, 64, 128, 3, 1, 1, 1},
    {"vgg conv4", 56, 256, 256, 3, 1, 1, 1},
    {"vgg conv6", 28, 512, 512, 3, 1, 1, 1},
    {"vgg conv8", 14, 512, 512, 3, 1, 1, 1},
    {"pointwise", 28, 256, 256, 1, 1, 0, 1},
    {"grouped by 2", 27, 96, 256, 5, 1, 2, 2},
    {"depthwise", 56, 128, 128, 3, 1, 1, 128},
    {"depthwise, stride 2", 56, 128, 128, 3, 2, 1, 128},
    {"fc 9216 x 4096", 6, 256, 4096, 6, 1, 0, 1},
    {"fc 4096 x 1000", 1, 4096, 1000, 1, 1, 0, 1},
};

windowed geometry(const layer& l) {
  windowed g;
  const std::size_t out = (l.size + 2 * l.pad - l.kernel) / l.stride + 1;
  g.in = compact(l.size, l.size, l.in_channels);
  g.out = compact(out, out, l.out_channels);
  g.kernel_height = g.kernel_width = l.kernel;
  g.stride_height = g.stride_width = l.stride;
  g.top = g.left = -static_cast<std::ptrdiff_t>(l.pad);
  g.groups = l.groups;
  g.act = iop::activation::relu;
  return g;
}

double useful_flops(const windowed& g) {
  std::size_t taps = 0;
  for_each_region(g, [&](const region& r) {
    taps += r.rows.size() * r.columns.size() * r.kernel_rows.size() * r.kernel_columns.size();
  });
  return 2.0 * static_cast<double>(taps * (g.in.channels / g.groups) * g.out.channels);
}

}  // namespace

int main(int argc, char** argv) {
  const double budget = argc > 1 ? std::atof(argv[1]) : 0.3;
  std::printf("%zu lanes, tile %zu pixels x %zu vectors\n", simd::lanes, tile_pixels, tile_vectors);
  std::printf("%-32s %12s %10s %12s\n", "", "us", "GFLOP/s", "weights GB/s");
  for (const layer& l : layers) {
    const windowed g = geometry(l);
    std::vector<float> in(g.in.height * g.in.row_stride()), out(g.out.height * g.out.row_stride());
    std::vector<float> bias(g.out.channels, 0.1f), packed(packed_size(g) + weight_slack);
    for (std::size_t i = 0; i < in.size(); ++i) in[i] = static_cast<float>(i % 13) - 6.0f;
    const auto read = [](std::size_t o, std::size_t i, std::size_t y, std::size_t x) {
      return static_cast<float>((o * 7 + i * 5 + y * 3 + x) % 11) - 5.0f;
    };
    pack_conv2d(g, read, packed.data());

    using clock = std::chrono::steady_clock;
    double best = 1e9;
    for (const auto end = clock::now() + std::chrono::duration<double>(budget); clock::now() < end;) {
      const int repeats = useful_flops(g) < 1e6 ? 100 : 1;
      const auto start = clock::now();
      for (int i = 0; i < repeats; ++i) conv2d(g, in.data(), packed.data(), bias.data(), out.data());
      best = std::min(best, std::chrono::duration<double>(clock::now() - start).count() / repeats);
    }
    std::printf("%-32s %12.1f %10.1f %12.1f\n", l.name, best * 1e6, useful_flops(g) / best * 1e-9,
                static_cast<double>(packed_size(g)) * 4 / best * 1e-9);
  }
}
