// SPDX-License-Identifier: MIT
// error: iop: this cannot be; the reason is the quoted sentence.
// error(gcc): /device \\'camera\\' \(rank 0\) needs [0-9]{5} bytes under policy optimal/
// error(gcc): /optimal \(weights [0-9]+, arena [0-9]+\) but has 81920:/
// error(gcc): /[0-9]+ bytes too few, all devices lack [0-9]+; choose more devices or memory\./
// error(clang): device \'camera\' (rank 0) needs
// error(clang): /[0-9]{5} bytes under policy/
// error(clang): bytes too few, all devices lack
// error(clang): /[0-9]+; choose more devices or/
// error(clang): "memory.
// never: limit
#include <iop/deploy/deployment.hpp>
#include <iop/zoo/lenet5.hpp>

using namespace iop::literals;

#ifdef IOP_TWIN
constexpr auto memory = 1_MiB;
#else
constexpr auto memory = 80_KiB;
#endif

struct porch {
  using network = iop::zoo::lenet5;
  static constexpr iop::cluster cluster{
      iop::device{"camera", 2_GFLOPs, 1_GBps, memory}, iop::device{"hub", 10_GFLOPs, 3_GBps, memory},
      iop::device{"sensor", 2_GFLOPs, 1_GBps, memory}, iop::link{50_Mbitps, 2_ms, true}};
  static constexpr auto plan = iop::planned<network, cluster, iop::policy::optimal>;
};

static_assert(iop::deploy::check<porch>());
