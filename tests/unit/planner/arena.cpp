// SPDX-License-Identifier: MIT
// The arena by simulation: memory whose every float knows which element of which value it holds. Steps check
// what they read, then overwrite what they write. A value that dies too early, staging on top of something
// alive, or a shared place that does not line up is noticed by the step that reads it.
#include <iop/planner/footprint.hpp>

#include <cstdint>
#include <vector>

#include "catch.hpp"
#include "plans.hpp"

using namespace iop;
using namespace iop::planner;
using namespace planner_test;

namespace {

/// What one float holds: an element of a tensor, perhaps a summand only. Values of the same tensor hold the
/// same numbers.
struct tag {
  std::size_t tensor = nothing;
  bool is_partial = false;
  std::size_t element = 0;
  static constexpr std::size_t nothing = static_cast<std::size_t>(-1);
  friend bool operator==(const tag&, const tag&) = default;
};

template <std::size_t Operators, std::size_t Ranks>
class simulation {
 public:
  simulation(op_list ops, const plan<Operators, Ranks>& p, const schedule<Operators, Ranks>& all,
             std::size_t rank)
      : ops_(ops),
        plan_(p),
        all_(all),
        rank_(rank),
        layout_(lay_out(ops, p, all, rank)),
        memory_(layout_.floats) {}

  /// The first thing that goes wrong; empty when nothing does.
  std::string run() {
    for (std::size_t i = 0; i < all_.steps.size(); ++i) {
      const step& s = all_.steps[i];
      std::string wrong;
      for (const std::size_t v : s.inputs)
        if (!is_intact(v)) wrong = "reads a value that is gone";
      if (wrong.empty()) wrong = s.is_exchange ? exchange(i) : compute(i);
      if (!wrong.empty()) return "step " + std::to_string(i) + " " + wrong;
    }
    return is_intact(all_.steps.back().output) ? "" : "the result is gone";
  }

 private:
  const box& box_of(std::size_t v) const { return all_.values[v].boxes[rank_]; }
  const shape& shape_of(std::size_t v) const { return ops_[all_.values[v].tensor].out; }

  /// Calls visit(position, tag) for each element that this rank holds of value v.
  template <class Visit>
  void each(std::size_t v, Visit visit) const {
    const box& b = box_of(v);
    if (b.empty()) return;
    const shape& s = shape_of(v);
    std::size_t at = layout_.offsets[v];
    for (std::size_t y = b.rows.begin; y < b.rows.end; ++y)
      for (std::size_t x = 0; x < s.width; ++x)
        for (std::size_t c = b.channels.begin; c < b.channels.end; ++c)
          visit(at++,
                tag{all_.values[v].tensor, all_.values[v].is_partial, (y * s.width + x) * s.channels + c});
  }

  bool is_intact(std::size_t v) const {
    bool intact = true;
    each(v,
         [&](std::size_t at, const tag& t) { intact = intact && at < memory_.size() && memory_[at] == t; });
    return intact;
  }

  std::string write(std::size_t v) {
    bool inside = true;
    each(v, [&](std::size_t at, const tag& t) {
      inside = inside && at < memory_.size();
      if (inside) memory_[at] = t;
    });
    return inside ? "" : "writes outside the arena";
  }

  bool overlap(std::size_t v, std::size_t w) const {
    const std::size_t a = layout_.offsets[v], b = layout_.offsets[w];
    const std::size_t a_size = element_count(box_of(v), shape_of(v).width);
    const std::size_t b_size = element_count(box_of(w), shape_of(w).width);
    return a < b + b_size && b < a + a_size && a_size > 0 && b_size > 0;
  }

  std::string compute(std::size_t index) {
    const step& s = all_.steps[index];
    const kind what = ops_[s.tensor].what;
    const bool in_place = what == kind::elementwise || what == kind::softmax || what == kind::add;
    for (const std::size_t v : s.inputs) {
      if (!overlap(v, s.output)) continue;
      const bool same = layout_.offsets[v] == layout_.offsets[s.output] && box_of(v) == box_of(s.output);
      if (!in_place || !same) return "writes over its input while it reads it";
    }
    const std::size_t begin = layout_.staging[index];
    const std::size_t end = begin + workspace_of(ops_[s.tensor], plan_.decisions[s.tensor], rank_);
    if (end > begin && end > memory_.size()) return "works outside the arena";
    for (std::size_t at = begin; at < end; ++at) memory_[at] = {};
    for (const std::size_t v : s.inputs)
      if (!is_intact(v)) return "works on top of its input";
    const std::string wrong = write(s.output);
    if (!wrong.empty()) return wrong;
    for (std::size_t at = begin; at < end; ++at)
      if (!(memory_[at] == tag{})) return "puts its result on top of its workspace";
    return "";
  }

  std::string exchange(std::size_t index) {
    const step& s = all_.steps[index];
    const std::size_t from = s.inputs[0], to = s.output;
    const auto part = part_of(all_.source(s), all_.result(s), shape_of(to).width, rank_);
    // Where both lie in one place they must hold the same element there, since sending, receiving and keeping
    // overlap.
    std::vector<std::size_t> held(memory_.size(), tag::nothing);
    each(from, [&](std::size_t at, const tag& t) { held[at] = t.element; });
    bool lined_up = true;
    each(to, [&](std::size_t at, const tag& t) {
      lined_up = lined_up && at < held.size() && (held[at] == tag::nothing || held[at] == t.element);
    });
    if (!lined_up) return "puts its result across its source";
    const std::size_t end = layout_.staging[index] + part.staging;
    if (part.staging > 0 && end > memory_.size()) return "stages outside the arena";
    for (std::size_t at = layout_.staging[index]; at < end; ++at) memory_[at] = {};
    // Neither end of the exchange may lie in the staging.
    if (!is_intact(from)) return "stages on top of its source";
    const std::string wrong = write(to);
    if (!wrong.empty()) return wrong;
    for (std::size_t at = layout_.staging[index]; at < end; ++at)
      if (!(memory_[at] == tag{})) return "puts its result on top of its staging";
    return "";
  }

  op_list ops_;
  const plan<Operators, Ranks>& plan_;
  const schedule<Operators, Ranks>& all_;
  std::size_t rank_;
  arena<Operators, Ranks> layout_;
  std::vector<tag> memory_;
};

}  // namespace

TEST_CASE("no value is overwritten while it is needed, under any plan", "[planner]") {
  for_each_plan([](const example& e, const auto& c, const auto& p) {
    const auto all = spell_out(e.ops, p);
    for (std::size_t r = 0; r < c.size(); ++r) {
      INFO(e.name << " under " << name_of(p.strategy) << " on " << c.size() << ", rank " << r);
      CHECK(simulation(e.ops, p, all, r).run() == "");
    }
  });
}

TEST_CASE("no value is overwritten while it is needed, under plans that no policy would make", "[planner]") {
  for_each_random_plan([](const example& e, const auto& p, std::uint64_t seed) {
    const auto all = spell_out(e.ops, p);
    for (std::size_t r = 0; r < p.ranks(); ++r) {
      INFO(e.name << ", seed " << seed << " on " << p.ranks() << ", rank " << r);
      CHECK(simulation(e.ops, p, all, r).run() == "");
    }
  });
}

TEST_CASE("a sum of branches lies on the branch that ends there", "[planner]") {
  const example e{"identity_residuals", iop_test::identity_residuals::spec.list()};
  auto c = iop_test::unlike_cluster<1>();
  c.devices[0].winograd = {};
  const auto p = plan_for(e, c, policy::single_device);
  const auto all = spell_out(e.ops, p);
  const auto layout = lay_out(e.ops, p, all, 0);
  std::size_t sums = 0;
  for (const step& s : all.steps)
    if (e.ops[s.tensor].what == kind::add) {
      CHECK(layout.offsets[s.output] == layout.offsets[s.inputs[0]]);
      ++sums;
    }
  CHECK(sums == 2);
  // The block's input, and the two ends of a convolution.
  CHECK(layout.floats == 3 * aligned(9 * 13 * 11));
}

TEST_CASE("summing by every kind of reduction keeps what it needs", "[planner]") {
  const auto c = equal_cluster(2e-3);
  auto p = plan_for(lenet5, c, policy::interleaved);
  std::size_t sums = 0;
  for (const route how : all_routes) {
    for (std::size_t i = 0; i + 1 < p.operators(); ++i)
      if (p.decisions[i].how == partition::input_channel) p.decisions[i + 1].fetch = how, ++sums;
    p.deliver = how;
    const auto all = spell_out(lenet5.ops, p);
    for (std::size_t r = 0; r < 3; ++r) {
      INFO(name_of(how) << ", rank " << r);
      CHECK(simulation(lenet5.ops, p, all, r).run() == "");
    }
  }
  CHECK(sums > 4);
}

TEST_CASE("an arena is no larger than its parts, and no smaller than the largest moment", "[planner]") {
  for_each_plan([](const example& e, const auto& c, const auto& p) {
    const auto all = spell_out(e.ops, p);
    for (std::size_t r = 0; r < c.size(); ++r) {
      const auto layout = lay_out(e.ops, p, all, r);
      std::size_t everything = 0, largest = 0;
      for (const step& s : all.steps) {
        const auto size = [&](std::size_t v) {
          return aligned(element_count(all.values[v].boxes[r], e.ops[all.values[v].tensor].out.width));
        };
        everything += size(s.output);
        const std::size_t workspace =
            s.is_exchange ? 0 : workspace_of(e.ops[s.tensor], p.decisions[s.tensor], r);
        everything += workspace;
        if (s.is_exchange)
          everything += part_of(all.source(s), all.result(s), e.ops[s.tensor].out.width, r).staging;
        // A weighted operator's input and output cannot share.
        if (!s.is_exchange && !s.inputs.empty() && is_weighted(e.ops[s.tensor]) && size(s.output) > 0)
          largest = std::max(largest, size(s.inputs[0]) + size(s.output) + workspace);
      }
      INFO(e.name << " under " << name_of(p.strategy) << " on " << c.size() << ", rank " << r);
      CHECK(layout.floats <= everything);
      CHECK(layout.floats >= largest);
    }
  });
}

TEST_CASE("weights lie one behind the other, biases of partial sums on one rank", "[planner]") {
  for_each_plan([](const example& e, const auto& c, const auto& p) {
    for (std::size_t i = 1; i < e.ops.size(); ++i) {
      const op& o = e.ops[i];
      if (!is_weighted(o)) continue;
      std::size_t biases = 0, makers = 0;
      for (std::size_t r = 0; r < c.size(); ++r) {
        const auto at = place_weights(o, p.decisions[i], r, 64);
        INFO(e.name << " under " << name_of(p.strategy) << " on " << c.size() << ", operator " << i
                    << ", rank " << r);
        REQUIRE((at.weights == 64 && at.bias >= at.weights && at.end >= at.bias));
        REQUIRE(at.end % alignment_floats == 0);
        biases += at.has_bias;
        makers += !p.decisions[i].shares[r].empty();
        if (p.decisions[i].shares[r].empty()) REQUIRE(at.end == 64);
      }
      REQUIRE(biases == (!o.bias ? 0 : p.decisions[i].how == partition::input_channel ? 1 : makers));
    }
  });
}
