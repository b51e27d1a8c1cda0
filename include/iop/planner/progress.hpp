// SPDX-License-Identifier: MIT
#pragma once

// Which passes a search makes. Mostly the best plan takes little more than the least time there can be:
// passes that keep every label look near that, then further, and the first that finds a plan has found the
// best. Where there is none so near, a beam finds a good plan, and a last pass the best of those that are
// better. Where memory is tight, beams that prefer thrifty ways follow, and then passes look near the least
// time again and ever further, until that takes too long. In a compiler there are few passes, and short ones:
// thrifty ways of all devices at once, then others.

#include <iop/planner/pass_limits.hpp>
#include <iop/planner/problem.hpp>

#include <algorithm>
#include <cstddef>
#include <iterator>

namespace iop::planner {

/// Of a pass.
struct pass_outcome {
  double seconds = no_limit;  ///< of the best plan found; none without
  bool is_complete = true;    ///< no label was dropped for lack of room
  bool is_misjudged = false;  ///< a plan did not fit that seemed to
  double labels = 0;          ///< kept for each operator, on average
  double reached = 0;         ///< share of the operators that labels were kept of
  double tries = 0;           ///< labels times choices to go on with, likewise

  constexpr bool exists() const { return seconds < no_limit; }
};

/// How long to look where memory is tight: passes with so many tries for each operator are the last. (Narrow
/// ones take longer for each: more of what they try comes to something.)
enum class effort : unsigned { in_compiler = 1u << 9, full = 1u << 17 };

class search_progress {
 public:
  /// `least`: what every plan takes; plans as slow as `limit` are of no interest; at most `width` labels are
  /// kept for each value made.
  template <std::size_t Operators, std::size_t Ranks>
  constexpr search_progress(const problem<Operators, Ranks>& p, double least, double limit, std::size_t width,
                            effort most)
      : effort_(most),
        least_(least),
        limit_(limit),
        width_(width),
        brief_tries_(std::min<std::size_t>(256, 2304 / (Ranks * Ranks))),
        beam_(p.has_branches ? 8 : 4),
        memory_binds_(p.memory_binds),
        has_subsets_(p.allowed.subsets),
        phase_(memory_binds_ || !(least > 0) ? phase::beam : phase::near),
        found_(limit < no_limit) {
    if (memory_binds_) return;
    if (p.has_branches)
      slack_ = 2 * first_slack;
    else if (p.are_alike)
      slack_ = first_slack / 16;  // bounds of chains on equal devices are mostly the truth
  }

  constexpr bool is_done() const { return phase_ == phase::done; }
  /// No plan that is as good was dropped.
  constexpr bool is_exact() const { return is_exact_; }

  constexpr pass_limits next() const {
    pass_limits limits = of_phase();
    if (is_brief() && memory_binds_) limits.tries = brief_tries_, limits.beam = 0;
    return limits;
  }

  constexpr void take(const pass_outcome& got) {
    const bool is_last = got.exists() || near() >= limit_;
    if (got.exists()) limit_ = got.seconds, found_ = true;
    switch (phase_) {
      case phase::near:
        is_exact_ = got.is_complete;
        if (is_last && got.is_complete)
          phase_ = phase::done;
        else if (is_last || slack_ >= most_slack || got.labels >= few_labels)
          phase_ = phase::beam;
        else
          look_for_more(got.reached);
        return;
      case phase::beam:
        phase_ = memory_binds_ ? phase::thrifty : phase::wide;
        is_crowded_ = is_brief() && !memory_binds_ && got.tries > most_tries();
        return;
      case phase::thrifty:
        if (++thrifty_passes_ < (is_brief() ? has_subsets_ ? 1 : 3 : std::size(thrifts))) return;
        if (is_brief() && !has_subsets_) {
          is_exact_ = false;
          phase_ = phase::done;
          return;
        }
        phase_ = found_ && is_brief() ? phase::wide : phase::narrow;
        slack_ = phase_ == phase::wide ? 1 : first_slack;
        return;
      case phase::narrow:
        if (!is_last && got.tries < most_tries() / 4) return look_further();
        phase_ = phase::wide;
        slack_ = is_brief() ? 1 : first_slack;
        return;
      case phase::wide:
        is_exact_ = got.is_complete && !is_crowded_;
        // Others were dropped for a plan whose layout has gaps: now all are kept that end before the one
        // found.
        if (got.is_misjudged && got.is_complete) {
          phase_ = phase::every;
          return;
        }
        break;
      default:
        is_exact_ = got.is_complete;
        break;
    }
    if (is_last || (found_ && !memory_binds_) || got.tries >= most_tries()) {
      is_exact_ = is_exact_ && is_last;
      phase_ = phase::done;
      return;
    }
    phase_ = phase::wide;
    look_further();
  }

 private:
  enum class phase : unsigned char { near, beam, thrifty, narrow, wide, every, done };
  static constexpr double first_slack = 1.0 / 64, most_slack = 1.0 / 8;
  static constexpr double thrifts[]{8, 32, 2, 0.5};
  static constexpr double few_labels = 8;  ///< of each operator: then a pass further keeps not too many

  constexpr bool is_brief() const { return effort_ == effort::in_compiler; }
  constexpr double most_tries() const { return static_cast<double>(effort_); }

  constexpr pass_limits of_phase() const {
    switch (phase_) {
      case phase::beam:
        return {limit_, width_, beam_, true};
      case phase::thrifty:
        return thrifty_passes_ == 2 ? pass_limits{limit_, 1, 8 * beam_, true, thrifts[2]}
                                    : pass_limits{limit_, width_, 4 * beam_, true, thrifts[thrifty_passes_]};
      case phase::narrow:
        return {near(), 1, 0, true};
      case phase::every:
        return {near(), width_, 0, false};
      default:
        return {near(), width_, is_crowded_ ? 8 * beam_ : 0, true};
    }
  }

  constexpr double near() const {
    if ((found_ && !memory_binds_) || !(least_ > 0) || slack_ >= 1) return limit_;
    const double end = least_ * (1 + slack_);
    return end < limit_ ? end : limit_;
  }
  /// Bounds fall behind from operator to operator: as far as takes a label to the end, and a little further.
  constexpr void look_for_more(double reached) {
    slack_ = std::min(most_slack, slack_ * std::clamp(1.1 / reached, 1.1, 2.56));
  }
  constexpr void look_further() {
    slack_ += is_brief() ? slack_ : slack_ / 4 > first_slack ? slack_ / 4 : first_slack;
  }

  effort effort_;
  double least_;
  double limit_;
  std::size_t width_;
  std::size_t brief_tries_;  ///< of a step in a compiler: what Clang evaluates for one constant
  std::size_t beam_;         ///< bounds are further from the truth where there are branches
  bool memory_binds_;
  bool has_subsets_;  ///< plans may leave devices out
  phase phase_;
  double slack_ = first_slack;
  bool is_crowded_ = false;  ///< too many labels for a compiler are as good as the beam's
  unsigned thrifty_passes_ = 0;
  bool found_;  ///< a plan is known
  bool is_exact_ = true;
};

}  // namespace iop::planner
