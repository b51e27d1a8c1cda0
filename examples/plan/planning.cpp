// SPDX-License-Identifier: MIT
// Plans for IOP_RANKS devices and takes the plan apart. The steps are those of planner::spell_out, and times
// are added as planner::predict adds them.
#include "planning.hpp"

#include "collective.hpp"
#include "plan_source.hpp"

#include <iop/deploy/deployment.hpp>
#include <iop/planner/policies.hpp>

namespace what_if {

namespace {

template <std::size_t Ranks>
class narrator {
 public:
  using plan = iop::plan<most_operators, Ranks>;
  using schedule = iop::planner::schedule<most_operators, Ranks>;

  narrator(iop::op_list ops, const iop::cluster<Ranks>& c, const plan& p)
      : ops_(ops), cluster_(c), plan_(p), all_(iop::planner::spell_out(ops, p)) {}

  report tell() {
    for (std::size_t i = 0; i < all_.steps.size(); ++i)
      all_.steps[i].is_exchange ? tell_exchange(i) : tell_operator(i);
    end_segment();
    number_rounds();
    told_.policy = plan_.strategy;
    told_.predicted = iop::planner::predict(ops_, cluster_, plan_, all_);
    for (std::size_t r = 0; r < Ranks; ++r)
      told_.memory.push_back(iop::planner::footprint_of(ops_, plan_, all_, r));
    told_.problem = iop::deploy::memory_problem_of(ops_, cluster_, plan_).view();
    told_.source = initialiser_of(plan_, ops_.size());
    return std::move(told_);
  }

 private:
  void tell_operator(std::size_t index) {
    const iop::planner::step& s = all_.steps[index];
    const iop::op& o = ops_[s.tensor];
    if (s.tensor == 0) return;  // the input is there
    operator_report each{
        s.tensor, plan_.decisions[s.tensor].how, iop::planner::is_free(ops_, all_, index), {}};
    open_.work.resize(Ranks);
    open_.busy.resize(Ranks);
    for (std::size_t r = 0; r < Ranks; ++r) {
      share part;
      part.cut = plan_.decisions[s.tensor].shares[r];
      part.output = all_.result(s).boxes[r];
      for (std::size_t input = 0; input < o.inputs.size(); ++input)
        part.inputs.push_back(iop::input_box(o, plan_.decisions[s.tensor], r, input));
      if (!each.is_fused) {
        part.by_winograd = iop::has(plan_.decisions[s.tensor].winograd, r);
        part.work =
            iop::planner::work_of(cluster_.devices[r], o, part.inputs[0], part.output, part.by_winograd);
        part.seconds = iop::planner::seconds_on(cluster_.devices[r], o, part.work, part.by_winograd);
      }
      open_.work[r].flops += part.work.flops;
      open_.work[r].bytes += part.work.bytes;
      open_.busy[r] += part.seconds;
      each.ranks.push_back(part);
    }
    open_.operators.push_back(each);
  }

  void tell_exchange(std::size_t index) {
    const iop::planner::step& s = all_.steps[index];
    const auto messages = iop::planner::messages_between(all_.source(s), all_.result(s));
    if (messages.empty()) return;
    end_segment();
    const iop::op& o = ops_[s.tensor];
    exchange each;
    each.tensor = s.tensor;
    each.collective = collective_of(all_.source(s), all_.result(s), o.out, route_behind(index));
    each.route = route_behind(index);
    each.seconds = iop::planner::seconds_of(cluster_, messages, o.out.width);
    for (const iop::planner::message& m : messages)
      each.messages.push_back({m.from, m.to, iop::element_count(m.piece, o.out.width) * sizeof(float)});
    for (std::size_t r = 0; r < Ranks; ++r) each.busy.push_back(seconds_busy(each, r));
    told_.steps.emplace_back(each);
  }

  /// What one rank spends on its own messages.
  double seconds_busy(const exchange& e, std::size_t rank) const {
    double set_up[2]{}, moving[2]{};
    for (const sent& m : e.messages) {
      const iop::link& joint = cluster_.between(m.from, m.to);
      const double bandwidth = cluster_.shared_medium() ? cluster_.between(0, 0).bandwidth.bytes_per_second
                                                        : joint.bandwidth.bytes_per_second;
      for (const bool receives : {false, true}) {
        if ((receives ? m.to : m.from) != rank) continue;
        set_up[receives] += joint.message.seconds;
        moving[receives] += static_cast<double>(m.bytes) / bandwidth;
      }
    }
    // On a shared medium it cannot send while it receives.
    const double both = cluster_.shared_medium() ? moving[0] + moving[1] : std::max(moving[0], moving[1]);
    return std::max(set_up[0], set_up[1]) + both;
  }

  /// The route of the movement that an exchange belongs to is named by the operator that it is for.
  iop::route route_behind(std::size_t index) const {
    for (std::size_t i = index; i < all_.steps.size(); ++i)
      if (!all_.steps[i].is_exchange) return plan_.decisions[all_.steps[i].tensor].fetch;
    return plan_.deliver;
  }

  void end_segment() {
    if (open_.operators.empty()) return;
    open_.seconds = *std::max_element(open_.busy.begin(), open_.busy.end());
    told_.steps.emplace_back(std::move(open_));
    open_ = {};
  }

  /// Neighbouring exchanges of one tensor are the rounds of one movement.
  void number_rounds() {
    for (std::size_t first = 0, end = 0; first < told_.steps.size(); first = end) {
      end = first + 1;
      const auto* start = std::get_if<exchange>(&told_.steps[first]);
      if (start == nullptr) continue;
      const auto continues = [&](std::size_t i) {
        const auto* next = std::get_if<exchange>(&told_.steps[i]);
        return next != nullptr && next->tensor == start->tensor;
      };
      while (end < told_.steps.size() && continues(end)) ++end;
      for (std::size_t i = first; i < end; ++i) {
        auto& each = std::get<exchange>(told_.steps[i]);
        each.round = i - first + 1;
        each.rounds = end - first;
      }
    }
  }

  iop::op_list ops_;
  const iop::cluster<Ranks>& cluster_;
  const plan& plan_;
  schedule all_;
  segment open_{};
  report told_{};
};

}  // namespace

template <>
report report_on<IOP_RANKS>(const network& n, const setup& s, iop::policy policy) {
  iop::cluster<IOP_RANKS> c;
  for (const iop::device& d : s.cluster.devices) c.devices.push_back(d);
  for (std::size_t a = 0; a < IOP_RANKS; ++a)
    for (std::size_t b = 0; b < IOP_RANKS; ++b) c.links[a][b] = s.cluster.between(a, b);
  const auto made = iop::planner::make_plan<most_operators>(n.ops, c, policy, s.ends);
  report told = narrator<IOP_RANKS>(n.ops, c, made).tell();
  told.policy = policy;
  return told;
}

}  // namespace what_if
