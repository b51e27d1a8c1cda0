// SPDX-License-Identifier: MIT
// error: iop: this cannot be; the reason is the quoted sentence.
// error(gcc): fc1: dense needs a flat input, got 2x4x4: put flatten before it.
// error(clang): fc1: dense needs a flat input,
// never: search_pieces
// never: constraints
// never: constant expression
// never: /static assertion failed.*static assertion failed/
#include <iop/comm/alone.hpp>
#include <iop/iop.hpp>

using namespace iop::literals;
using namespace iop::model;

#ifdef IOP_TWIN
struct example : network<input<1, 6, 6>, conv2d<2, kernel<3>>, flatten, dense<10>> {};
#else
struct example : network<input<1, 6, 6>, conv2d<2, kernel<3>>, dense<10>> {};
#endif

struct deployed {
  using network = example;
  static constexpr iop::device board{"board", 1_GFLOPs, 1_GBps, 1_MiB};
  static constexpr iop::cluster cluster{board, board, iop::link{100_Mbitps, 2_ms}};
  static constexpr auto plan = iop::planned<network, cluster, iop::policy::optimal>;
};

template <class Weights, class Mesh>
void run(const Weights& weights, Mesh& mesh) {
  iop::executor<deployed, 0> me(weights, mesh);
  (void)me.run();
}
struct no_weights {
  iop::result<std::span<const float>> tensor(std::string_view, std::span<const std::size_t>) const {
    return iop::make_error(iop::errc::bad_tensor, "none");
  }
};
template void run(const no_weights&, iop::comm::alone&);
