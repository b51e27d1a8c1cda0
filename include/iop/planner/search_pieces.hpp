// SPDX-License-Identifier: MIT
#pragma once

// The search for the best plan in pieces: each table of each operator, and each step of each pass, is a
// constant of its own. A compiler limits what it evaluates for one constant, not for all of them, so no flag
// is needed; and what it has evaluated it keeps and shares. Each works on copies of what it reads often:
// compilers read what is constant half as fast as what is not, Clang in local variables, too, so that in the
// planner those of class type are not const.

#include <iop/planner/offered.hpp>
#include <iop/planner/optimal.hpp>

#include <cstddef>
#include <utility>

namespace iop::planner {

/// Rows of each table: more than any search within reach of a compiler needs. Rows without content cost
/// nothing.
inline constexpr std::size_t roomy = 8192;

/// Of the policies that search: `fused_spatial` and `optimal`.
template <const auto& Spec, const auto& Cluster, policy Strategy, endpoints Ends, reach HowFar>
struct search_pieces {
  static constexpr std::size_t operators = Spec.size();
  static constexpr std::size_t ranks = ranks_of(Cluster);
  static constexpr std::size_t last = operators - 1;

  static constexpr problem<operators, ranks> posed =
      pose<operators>(Spec.list(), Cluster, Ends, allowed_to(Strategy, HowFar));

 private:
  template <std::size_t I, std::size_t... Depth>
  static constexpr auto segments_of(std::index_sequence<Depth...>) {
    const row_cuts<ranks, roomy>* before[longest_fusion]{&cuts<I - Depth>...};
    return strip_builder<roomy, operators, ranks>(posed, I, before).run();
  }

  template <std::size_t I, std::size_t... Input, std::size_t... Depth>
  static constexpr auto choices_of(std::index_sequence<Input...>, std::index_sequence<Depth...>) {
    const choice_table<ranks, roomy>* inputs[4]{&choices<Spec.list()[I].inputs[Input]>...};
    const strips<ranks, roomy>* behind[longest_fusion]{&segments<I + Depth>...};
    return choice_builder<roomy, operators, ranks>(posed, I).run(inputs, behind);
  }

  template <std::size_t I>
  static constexpr auto stage_of() {
    constexpr std::size_t twin = posed.twin[I];
    auto p = posed;
    if constexpr (twin == 0) {
      return stage_builder<roomy, operators, ranks>(p, I, choices<I>, nullptr).run();
    } else {
      auto like = stages<twin>;
      return stage_builder<roomy, operators, ranks>(p, I, choices<I>, &like).run();
    }
  }

  template <std::size_t I>
  static constexpr auto bounds_of() {
    constexpr std::size_t next = posed.main_path.next[I];
    constexpr std::size_t side = posed.main_path.has_side[I] ? I + 1 : I;  // itself where there is none
    auto p = posed;
    auto own = stages<I>;
    if constexpr (next == 0) {
      return bound_builder<roomy, operators, ranks>(p, I, own, 0, nullptr, nullptr, nullptr, {}).run();
    } else {
      constexpr std::size_t like = posed.moves_like[I];
      twin_tables<ranks, roomy> twin;
      if constexpr (like != 0) twin = {&stages<like>, &stages<posed.main_path.next[like]>, &bounds<like>};
      auto reader = stages<next>;
      auto behind = bounds<next>;
      return bound_builder<roomy, operators, ranks>(p, I, own, next, &reader, &behind, &stages<side>, twin)
          .run();
    }
  }

  /// Tables that need others are made behind them, lest templates nest too deeply.
  template <std::size_t I>
  static constexpr double bound_in_order() {
    if constexpr (posed.main_path.has[I])
      return bounds<I>.least_arriving;
    else
      return 0;
  }
  template <std::size_t... I>
  static constexpr bool make_tables(std::index_sequence<I...>) {
    return ((choices<I>.count > 0) && ...) && ((stages<I>.queries > 0) && ...) &&
           ((bound_in_order<last - I>() >= 0) && ...);
  }

  template <reach Other>
  using search = search_pieces<Spec, Cluster, Strategy, Ends, Other>;
  /// That any plan takes.
  static constexpr double least_seconds() {
    if constexpr (HowFar == reach::any_memory)
      return bounds<0>.arriving[0];
    else
      return std::max(bounds<0>.arriving[0], search<reach::any_memory>::result.seconds);
  }
  /// Of a plan that is known.
  static constexpr double most_seconds() {
    if constexpr (HowFar == reach::everything)
      if constexpr (search<reach::all_devices>::result.exists)
        return search<reach::all_devices>::result.seconds;
    return no_limit;
  }

  template <std::size_t Pass>
  static constexpr search_progress progress_of() {
    if constexpr (Pass == 0) {
      (void)make_tables(std::make_index_sequence<operators>());
      return search_progress(posed, least_seconds(), most_seconds(), width_of(posed), effort::in_compiler);
    } else {
      search_progress next = progress<Pass - 1>;
      next.take(outcome<Pass - 1>.outcome);
      return next;
    }
  }

  template <std::size_t Pass, std::size_t I>
  static constexpr auto labels_of() {
    if constexpr (I == 0) {
      return start_of<roomy>(posed, stages<0>, bounds<0>);
    } else if constexpr (labels<Pass, I - 1>.count == 0) {  // nothing to make a step from
      frontier<ranks, roomy> nothing;
      nothing.is_complete = labels<Pass, I - 1>.is_complete;
      return nothing;
    } else {
      constexpr bool on_spine = posed.main_path.has[I];
      constexpr std::size_t next = posed.main_path.next[posed.main_path.before[I]];
      constexpr std::size_t forked = posed.main_path.has_side[I - 1] ? I - 1 : next;
      auto p = posed;
      auto own = stages<I>;
      auto spine = bounds<next>;  // on the spine, that is I
      auto before = labels<Pass, I - 1>;
      return expansion<roomy, operators, ranks>(p, I, stages<I - 1>, own, on_spine ? &spine : nullptr, spine,
                                                &bounds<forked>, before, progress<Pass>.next())
          .run();
    }
  }

  /// Calls work(stage_at, frontier_at).
  template <std::size_t Pass, class Work, std::size_t... I>
  static constexpr auto with_tables(Work&& work, std::index_sequence<I...>) {
    const stage<ranks, roomy>* all[]{&stages<I>...};
    const bool in_order = (labels<Pass, I>.is_complete && ...);
    (void)in_order;
    const frontier<ranks, roomy>* ways[]{&labels<Pass, I>...};
    return work(
        [&](std::size_t i) -> const auto& { return *all[i]; },
        [&](std::size_t i) -> const auto& { return *ways[i]; });
  }
  template <std::size_t Pass>
  static constexpr pass_outcome seen = with_tables<Pass>(
      [](auto&& stage_at, auto&& frontier_at) { return look_back(posed, stage_at, frontier_at); },
      std::make_index_sequence<operators>());

  /// The first of them: where memory is tight some seem to fit and do not.
  static constexpr std::size_t most_endings = 16;
  template <std::size_t Pass>
  static constexpr auto find_endings() {
    fixed_vector<ending, most_endings> first;
    if (!(seen<Pass>.labels > 0)) return first;  // makes them in order
    for (const ending& e : endings_of(posed, labels<Pass, last>, progress<Pass>.next().seconds))
      if (first.size() < most_endings) first.push_back(e);
    return first;
  }
  template <std::size_t Pass>
  static constexpr auto endings = find_endings<Pass>();
  template <std::size_t Pass, std::size_t Ending>
  static constexpr plan<operators, ranks> way = with_tables<Pass>(
      [](auto&& stage_at, auto&& frontier_at) {
        return follow_back(posed, Strategy, endings<Pass>[Ending], stage_at, frontier_at);
      },
      std::make_index_sequence<operators>());

  template <std::size_t Pass, std::size_t Ending>
  static constexpr bool is_possible() {
    if constexpr (posed.memory_binds)
      return judged<Spec, Cluster, way<Pass, Ending>>::missing == 0;
    else
      return true;
  }
  template <std::size_t Pass, std::size_t Ending = 0>
  static constexpr pass_result<operators, ranks> outcome_of() {
    if constexpr (Ending == endings<Pass>.size()) {
      pass_result<operators, ranks> nothing{seen<Pass>, {}};
      if (Ending == most_endings) nothing.outcome.is_complete = false;
      return nothing;
    } else {
      pass_result<operators, ranks> came;
      if constexpr (is_possible<Pass, Ending>()) {
        came = {seen<Pass>, way<Pass, Ending>};
        came.outcome.seconds = endings<Pass>[Ending].seconds;
      } else {
        came = outcome_of<Pass, Ending + 1>();
        came.outcome.is_misjudged = true;
      }
      return came;
    }
  }

  /// What the passes from one on find.
  template <std::size_t Pass>
  static constexpr found<operators, ranks> pass_on(found<operators, ranks> before) {
    if constexpr (progress<Pass>.is_done()) {
      before.is_exact = progress<Pass>.is_exact();
      return before;
    } else {
      if (outcome<Pass>.outcome.exists())
        before = {outcome<Pass>.best, outcome<Pass>.outcome.seconds, true, true};
      return pass_on<Pass + 1>(before);
    }
  }

 public:
  template <std::size_t I>
  static constexpr row_cuts<ranks, roomy> cuts = cut_rows<roomy>(posed, I);
  template <std::size_t I>
  static constexpr strips<ranks, roomy> segments =
      segments_of<I>(std::make_index_sequence<std::min(I + 1, longest_fusion)>());
  template <std::size_t I>
  static constexpr choice_table<ranks, roomy> choices =
      choices_of<I>(std::make_index_sequence<Spec.list()[I].inputs.size()>(),
                    std::make_index_sequence<std::min(operators - I, longest_fusion)>());
  template <std::size_t I>
  static constexpr stage<ranks, roomy> stages = stage_of<I>();
  /// Of operators on the spine.
  template <std::size_t I>
  static constexpr remainders<ranks, roomy> bounds = bounds_of<I>();

  template <std::size_t Pass>
  static constexpr search_progress progress = progress_of<Pass>();
  template <std::size_t Pass, std::size_t I>
  static constexpr frontier<ranks, roomy> labels = labels_of<Pass, I>();
  template <std::size_t Pass>
  static constexpr pass_result<operators, ranks> outcome = outcome_of<Pass>();

  static constexpr found<operators, ranks> result = pass_on<0>({});
};

}  // namespace iop::planner
