// SPDX-License-Identifier: MIT
// error: iop: this cannot be; the reason is the quoted sentence.
// error(gcc): device \'board\' (rank 0) has a channel_step that no device has: it is 1 to 65536.
// error(clang): channel_step that no device
// error(clang): has: it is 1 to 65536.
// never: cost.hpp
// never: progress
#include <iop/deploy/deployment.hpp>

using namespace iop::literals;
using namespace iop::model;

#ifdef IOP_TWIN
constexpr std::size_t step = 1;
#else
constexpr std::size_t step = 0;
#endif

struct porch {
  using network = iop::model::network<input<1, 4, 4>, conv2d<2>>;
  static constexpr iop::device board{"board", 1_GFLOPs, 1_GBps, 1_MiB, step};
  static constexpr iop::cluster cluster{board, board, iop::link{100_Mbitps, 2_ms}};
  static constexpr auto plan = iop::planned<network, cluster, iop::policy::optimal>;
};

static_assert(iop::deploy::check<porch>());
