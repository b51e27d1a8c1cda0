// SPDX-License-Identifier: MIT
#include "shapes.hpp"

#include <iop/deploy/program.hpp>
#include <iop/kernel/region.hpp>
#include <iop/spec/winograd.hpp>

#include <fmt/core.h>

#include <algorithm>

namespace iop_bench {

namespace {

/// What the kernel is told, and nothing else.
iop::op kernel_of(iop::op o) {
  for (std::size_t& input : o.inputs) input = 0;
  o.norm = false;
  o.bias_from_norm = false;
  o.norm_epsilon = iop::op{}.norm_epsilon;
  return o;
}

}  // namespace

std::vector<measured> distinct_operators(const std::vector<std::string>& networks) {
  std::vector<measured> all;
  for (const std::string& name : networks)
    for (const iop::op& o : find_network(name).ops) {
      if (o.what == iop::kind::input) continue;
      const iop::op alone = kernel_of(o);
      for (const bool by_winograd : {false, true}) {
        if (by_winograd && !iop::has_winograd(o)) continue;
        auto at = std::ranges::find_if(
            all, [&](const measured& m) { return m.what == alone && m.by_winograd == by_winograd; });
        if (at == all.end()) at = all.insert(all.end(), {alone, {}, 0, by_winograd});
        if (at->networks.empty() || at->networks.back() != name) at->networks.push_back(name);
        ++at->count;
      }
    }
  return all;
}

std::string shape_text(const measured& m) {
  const iop::op& o = m.what;
  const auto text = [](const iop::shape& s) {
    return fmt::format("{}x{}x{}", s.channels, s.height, s.width);
  };
  std::string made = text(o.in) + " > " + text(o.out);
  const iop::window& w = o.win;
  if (o.what == iop::kind::conv2d || o.what == iop::kind::max_pool || o.what == iop::kind::average_pool) {
    made += fmt::format(", {}x{}", w.kernel_height, w.kernel_width);
    if (w.stride_height > 1) made += fmt::format(" / {}", w.stride_height);
    if (w.pad_top > 0) made += fmt::format(", pad {}", w.pad_top);
  }
  if (iop::is_depthwise(o))
    made += ", depthwise";
  else if (o.groups > 1)
    made += fmt::format(", {} groups", o.groups);
  if (o.act != iop::activation::none) made += fmt::format(", {}", iop::name_of(o.act));
  if (m.by_winograd) made += ", Winograd";
  return made;
}

double useful_flops(const measured& m) {
  const iop::op& o = m.what;
  if (m.by_winograd)
    return 2.0 * static_cast<double>(
                     iop::winograd_multiply_adds(o.out.height, o.out.width, o.in.channels, o.out.channels));
  const double outputs = static_cast<double>(o.out.size());
  if (!iop::deploy::has_window(o))
    return outputs * static_cast<double>(std::max<std::size_t>(o.inputs.size(), 2) - 1);
  return useful_flops(iop::deploy::local_geometry(o, whole(o.in), whole(o.in), whole(o.out)),
                      iop::is_weighted(o));
}

double useful_flops(const iop::kernel::windowed& g, bool is_weighted) {
  std::size_t taps = 0;  // of all pixels
  iop::kernel::for_each_region(g, [&](const iop::kernel::region& r) {
    if (r.sees_input())
      taps += r.rows.size() * r.columns.size() * r.kernel_rows.size() * r.kernel_columns.size();
  });
  const std::size_t per_tap = is_weighted ? 2 * g.in.channels / g.groups : 1;
  return static_cast<double>(taps * per_tap * g.out.channels);
}

double least_bytes(const measured& m) {
  const iop::op& o = m.what;
  const std::size_t inputs = std::max<std::size_t>(o.inputs.size(), 1);
  std::size_t parameters = iop::parameter_count(o);
  if (m.by_winograd)
    parameters += iop::winograd_weight_count(o.out.channels, o.in.channels) -
                  iop::weight_count(o, o.out.channels, o.in.channels);
  return static_cast<double>((inputs * o.in.size() + o.out.size() + parameters) * sizeof(float));
}

}  // namespace iop_bench
