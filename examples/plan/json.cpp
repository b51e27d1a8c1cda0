// SPDX-License-Identifier: MIT
#include "json.hpp"

#include <cstdint>

namespace what_if {

namespace {

using json = nlohmann::ordered_json;

json of_range(const iop::range& r) { return {r.begin, r.end}; }

/// Null when there is nothing.
json of_box(const iop::box& b) {
  if (b.empty()) return nullptr;
  return {{"rows", of_range(b.rows)}, {"channels", of_range(b.channels)}};
}

json of_shape(const iop::shape& s) {
  return {{"channels", s.channels}, {"height", s.height}, {"width", s.width}};
}

/// Counts, which the cost model keeps as doubles.
json of_work(const iop::planner::work& w, double seconds) {
  return {{"flops", static_cast<std::uint64_t>(w.flops)},
          {"bytes", static_cast<std::uint64_t>(w.bytes)},
          {"seconds", seconds}};
}

json of_operator(const iop::op& o, const std::string& label) {
  json made = {{"name", label}, {"kind", name_of(o.what)}, {"activation", name_of(o.act)}};
  made["inputs"] = json::array();
  for (const std::size_t input : o.inputs) made["inputs"].push_back(input);
  made["in"] = of_shape(o.in);
  made["out"] = of_shape(o.out);
  const iop::window& w = o.win;
  made["kernel"] = {w.kernel_height, w.kernel_width};
  made["stride"] = {w.stride_height, w.stride_width};
  made["dilation"] = {w.dilation_height, w.dilation_width};
  made["pad"] = {{"top", w.pad_top}, {"bottom", w.pad_bottom}, {"left", w.pad_left}, {"right", w.pad_right}};
  made["groups"] = o.groups;
  made["bias"] = o.bias;
  return made;
}

json of_network(const network& n) {
  json operators = json::array();
  for (std::size_t i = 0; i < n.ops.size(); ++i) operators.push_back(of_operator(n.ops[i], n.labels[i]));
  return {{"name", n.name},
          {"parameters", iop::parameter_count(n.ops)},
          {"multiply_adds", iop::multiply_adds(n.ops)},
          {"operators", operators}};
}

/// The common link is what stands on the diagonal; pairs that differ from it are listed.
json of_cluster(const setup& s) {
  const any_cluster& c = s.cluster;
  json devices = json::array();
  for (const iop::device& d : c.devices) {
    json made = {{"name", d.name},
                 {"flops", d.compute.flops_per_second},
                 {"memory_bandwidth", d.memory_bandwidth.bytes_per_second},
                 {"memory", d.memory.bytes},
                 {"channel_step", d.channel_step}};
    const auto add_rate = [&](const char* key, iop::compute_rate rate) {
      if (rate.flops_per_second > 0) made[key] = rate.flops_per_second;
    };
    add_rate("winograd_flops", d.winograd);
    add_rate("depthwise_flops", d.depthwise);
    add_rate("narrow_flops", d.narrow);
    if (d.skips_padding) made["skips_padding"] = true;
    devices.push_back(made);
  }
  json made = {{"devices", devices}};
  const iop::link& common = c.between(0, 0);
  if (!(common == iop::link{}))
    made["link"] = {{"bandwidth", common.bandwidth.bytes_per_second},
                    {"message_time", common.message.seconds},
                    {"shared_medium", common.shared_medium}};
  json links = json::array();
  for (std::size_t a = 0; a < c.size(); ++a)
    for (std::size_t b = a + 1; b < c.size(); ++b) {
      const iop::link& joint = c.between(a, b);
      if (joint == common) continue;
      json single = {{"between", {a, b}}, {"message_time", joint.message.seconds}};
      if (!c.shared_medium()) single["bandwidth"] = joint.bandwidth.bytes_per_second;
      links.push_back(single);
    }
  if (!links.empty()) made["links"] = links;
  made["input_rank"] = s.ends.input_rank;
  made["output_rank"] = s.ends.output_rank;
  return made;
}

json of_segment(const network& n, const segment& part) {
  json operators = json::array(), names = json::array(), ranks = json::array();
  for (const operator_report& each : part.operators) {
    json shares = json::array();
    for (const share& r : each.ranks) {
      json inputs = json::array();
      for (const iop::box& b : r.inputs) inputs.push_back(of_box(b));
      json made = of_work(r.work, r.seconds);
      made["share"] = of_range(r.cut);
      made["winograd"] = r.by_winograd;
      made["inputs"] = inputs;
      made["output"] = of_box(r.output);
      shares.push_back(made);
    }
    operators.push_back({{"operator", each.number},
                         {"name", n.labels[each.number]},
                         {"partition", name_of(each.how)},
                         {"fused", each.is_fused},
                         {"ranks", shares}});
  }
  for (std::size_t r = 0; r < part.busy.size(); ++r) ranks.push_back(of_work(part.work[r], part.busy[r]));
  return {{"kind", "segment"}, {"operators", operators}, {"ranks", ranks}, {"seconds", part.seconds}};
}

json of_exchange(const network& n, const exchange& e) {
  json messages = json::array(), ranks = json::array();
  for (const sent& m : e.messages) messages.push_back({m.from, m.to, m.bytes});
  for (const double busy : e.busy) ranks.push_back({{"seconds", busy}});
  return {{"kind", "exchange"},         {"collective", e.collective}, {"route", name_of(e.route)},
          {"round", e.round},           {"rounds", e.rounds},         {"operator", e.tensor},
          {"name", n.labels[e.tensor]}, {"messages", messages},       {"ranks", ranks},
          {"seconds", e.seconds}};
}

json of_report(const network& n, const report& r) {
  json steps = json::array(), ranks = json::array();
  for (const auto& step : r.steps) {
    const auto* part = std::get_if<segment>(&step);
    steps.push_back(part != nullptr ? of_segment(n, *part) : of_exchange(n, std::get<exchange>(step)));
  }
  for (const iop::planner::footprint& f : r.memory)
    ranks.push_back(
        {{"weight_bytes", f.weight_bytes}, {"arena_bytes", f.arena_bytes}, {"buffer_bytes", f.buffer_bytes}});
  const iop::planner::prediction& p = r.predicted;
  json made = {{"policy", name_of(r.policy)},
               {"makespan_seconds", p.makespan_seconds},
               {"compute_seconds", p.compute_seconds},
               {"exchange_seconds", p.exchange_seconds},
               {"exchanges", p.exchanges},
               {"messages", p.messages},
               {"bytes", p.bytes},
               {"fits", r.fits()}};
  if (!r.fits()) made["problem"] = r.problem;
  made["steps"] = steps;
  made["ranks"] = ranks;
  return made;
}

}  // namespace

json to_json(const network& n, const setup& s, const std::vector<report>& reports) {
  json plans = json::array();
  for (const report& r : reports) plans.push_back(of_report(n, r));
  return {{"network", of_network(n)}, {"cluster", of_cluster(s)}, {"plans", plans}};
}

}  // namespace what_if
