// SPDX-License-Identifier: MIT
#pragma once

// The innermost loop of every convolution over channels: a tile of output pixels × vectors of output channels
// that stays in registers while all its products are added. Each output is one chain
//   bias, + x·w for kernel rows, then kernel columns, then input channels in ascending order
// of fused multiply-adds, whatever tile it falls in: results do not depend on how an output is cut into
// tiles, strips or blocks of channels, nor on the SIMD width. What is to be added, such as the skip of a
// residual block, is the end of the chain.

#include <iop/kernel/activation.hpp>
#include <iop/kernel/simd.hpp>

#include <algorithm>
#include <cstddef>
#include <type_traits>
#include <utility>

namespace iop::kernel {

/// 6 pixels × 4 vectors, 4 weights and an input fill 32 registers; with 16 registers 6 × 2 vectors do.
inline constexpr std::size_t tile_pixels = 6;
inline constexpr std::size_t tile_vectors = simd::registers >= 32 ? 4 : 2;
/// Output channels that share a block of packed weights.
inline constexpr std::size_t block_channels = tile_vectors * simd::lanes;

/// A block's vectors of channels, and whether half of a register is enough for the last: a number below
/// `block_forms`.
constexpr std::size_t block_form(std::size_t channels) {
  const std::size_t whole = (channels - 1) / simd::lanes, rest = channels - whole * simd::lanes;
  return whole + (rest <= simd::half_lanes ? tile_vectors : 0);
}
inline constexpr std::size_t block_forms = 2 * tile_vectors;

/// A bit for each form: the code for others is not made.
using block_set = unsigned;
inline constexpr block_set all_blocks = (1u << block_forms) - 1;

/// Of that many output channels.
constexpr block_set blocks_of(std::size_t channels) {
  const std::size_t rest = channels % block_channels;
  return (channels >= block_channels ? 1u << block_form(block_channels) : 0) |
         (rest > 0 ? 1u << block_form(rest) : 0);
}

/// What the tiles of one region and one block of output channels have in common. Steps are in floats.
struct tile_job {
  std::size_t rows = 0;         ///< kernel rows
  std::size_t columns = 0;      ///< kernel columns, 1 if these are one run with the channels
  std::size_t run = 0;          ///< inputs that are neighbours in memory
  std::size_t row_step = 0;     ///< from kernel row to kernel row of the input
  std::size_t column_step = 0;  ///< from kernel column to kernel column of the input
  std::size_t weight_skip = 0;  ///< weights of clipped columns, between the used ones of two kernel rows
  std::size_t in_step = 0;      ///< from pixel to pixel of the input
  std::size_t out_step = 0;     ///< from pixel to pixel of the output
  std::size_t channels = 0;     ///< of the block: the length of a row of weights
  const float* weights = nullptr;
  const float* start = nullptr;  ///< what sums start from, `block_channels` floats
  const float* next = nullptr;   ///< the weights to fetch meanwhile, as many as these
  const float* added = nullptr;  ///< to the sums, laid out as the outputs from `origin` on; may be null
  const float* origin = nullptr;
  activation_function act{};
};

namespace detail {

/// The sums of a tile. The last vector of channels is a `Tail`: a whole register, or half of one.
template <class Tail, std::size_t Pixels, std::size_t Vectors>
struct tile_sums {
  static constexpr std::size_t lanes = simd::lanes, whole = Vectors - 1;

  [[gnu::always_inline]] explicit tile_sums(const float* start) {
#pragma GCC unroll 16
    for (std::size_t p = 0; p < Pixels; ++p) {
#pragma GCC unroll 4
      for (std::size_t v = 0; v < whole; ++v) sum[p][v] = simd::load(start + v * lanes);
      last_sum[p] = simd::load_as<Tail>(start + whole * lanes);
    }
  }

  /// The products of one run. `ahead` and its step, in bytes, are for fetching alone: a line per step.
  [[gnu::always_inline]] void add_run(const float* in, std::size_t in_step, std::size_t run,
                                      std::size_t channels, const float*& weights, const char*& ahead,
                                      std::size_t ahead_step) {
    // An address for four pixels, lest each has a register of its own, of which there are not enough.
    constexpr std::size_t addresses = (Pixels + 3) / 4;
    const float* x[addresses];
#pragma GCC unroll 4
    for (std::size_t q = 0; q < addresses; ++q) x[q] = simd::opaque(in + 4 * q * in_step);
    for (std::size_t i = 0; i < run; ++i, weights += channels) {
      if constexpr (Vectors == tile_vectors) {
        simd::prefetch(ahead);
        ahead += ahead_step;
      }
      simd::batch w[whole > 0 ? whole : 1];
#pragma GCC unroll 4
      for (std::size_t v = 0; v < whole; ++v) {
        w[v] = simd::load(weights + v * lanes);
        simd::keep(w[v]);
      }
      Tail last_w = simd::load_as<Tail>(weights + whole * lanes);
      if constexpr (std::is_same_v<Tail, simd::batch>) simd::keep(last_w);
#pragma GCC unroll 16
      for (std::size_t p = 0; p < Pixels; ++p) {
        const float input = x[p / 4][p % 4 * in_step];
#pragma GCC unroll 4
        for (std::size_t v = 0; v < whole; ++v)
          sum[p][v] = simd::multiply_add(simd::broadcast(input), w[v], sum[p][v]);
        last_sum[p] = simd::multiply_add(simd::broadcast_as<Tail>(input), last_w, last_sum[p]);
      }
      // Opaque where g++ would otherwise count in so many registers that others end up in vector registers.
#pragma GCC unroll 4
      for (std::size_t q = 0; q < addresses; ++q)
        x[q] = Pixels <= tile_pixels ? simd::opaque(x[q] + 1) : x[q] + 1;
    }
  }

  /// Adds, limits and stores.
  [[gnu::always_inline]] void finish(const tile_job& job, float* out) {
    constexpr std::size_t tail_lanes = std::is_same_v<Tail, simd::batch> ? lanes : simd::half_lanes;
    const std::size_t last = job.channels - whole * lanes;  // lanes of the last vector that are outputs
    if (job.added != nullptr) {
      const float* added = job.added + (out - job.origin);
#pragma GCC unroll 16
      for (std::size_t p = 0; p < Pixels; ++p, added += job.out_step) {
#pragma GCC unroll 4
        for (std::size_t v = 0; v < whole; ++v) sum[p][v] = sum[p][v] + simd::load(added + v * lanes);
        const float* tail = added + whole * lanes;
        last_sum[p] = last_sum[p] + (last == tail_lanes ? simd::load_as<Tail>(tail)
                                                        : simd::load_first_as<Tail>(tail, last));
      }
    }

    const limits l = limits_of(job.act);
#pragma GCC unroll 16
    for (std::size_t p = 0; p < Pixels; ++p, out += job.out_step) {
#pragma GCC unroll 4
      for (std::size_t v = 0; v < whole; ++v) simd::store(out + v * lanes, limited(l, sum[p][v]));
      const Tail tail = limited(l, last_sum[p]);
      if (last == tail_lanes)
        simd::store(out + whole * lanes, tail);
      else
        simd::store_first(out + whole * lanes, tail, last);
    }
  }

  simd::batch sum[Pixels][whole > 0 ? whole : 1];
  Tail last_sum[Pixels];
};

template <class Tail, std::size_t Pixels, std::size_t Vectors>
void tile(const tile_job& job, const char* ahead, std::size_t ahead_step, const float* in, float* out) {
  // Across the runs these stay in memory: g++ would keep them in vector registers, where to read them is to
  // wait for the sums.
  const tile_job* volatile kept_job = &job;
  float* volatile kept_out = out;
  const std::size_t step = job.in_step, run = job.run, channels = job.channels;
  const float* weights = job.weights;
  tile_sums<Tail, Pixels, Vectors> sums(job.start);
  if (job.rows * job.columns == 1) {  // short ones come often, and would wait for what only several runs need
    sums.add_run(in, step, run, channels, weights, ahead, ahead_step);
  } else {
    volatile std::size_t columns = job.columns, rows = job.rows;
    const float* volatile kept_in = in;
    const float* column = in;
    for (;;) {
      sums.add_run(column, step, run, channels, weights, ahead, ahead_step);
      const tile_job& late = *kept_job;
      if (columns > 1) {
        columns = columns - 1;
        column += late.column_step;
      } else if (rows > 1) {
        rows = rows - 1;
        columns = late.columns;
        column = kept_in + late.row_step;
        kept_in = column;
        weights += late.weight_skip;
      } else {
        break;
      }
    }
  }
  sums.finish(*kept_job, kept_out);
}

using tile_function = void (*)(const tile_job&, const char* ahead, std::size_t ahead_step, const float* in,
                               float* out);

template <class Tail, std::size_t Vectors>
void line_of(const tile_job& job, std::size_t pixels, const float* in, float* out) {
  // Few vectors leave registers for twice the pixels, and need them: one vector of six pixels would wait for
  // its own additions.
  constexpr std::size_t most = 2 * Vectors <= tile_vectors ? 2 * tile_pixels : tile_pixels;
  static constexpr auto tiles = []<std::size_t... P>(std::index_sequence<P...>) {
    struct {
      tile_function of[most];
    } all{{&tile<Tail, P + 1, Vectors>...}};
    return all;
  }
  (std::make_index_sequence<most>{});

  // Each tile fetches its part of the next weights. A single one would only wait for it.
  const std::size_t count_of_tiles = (pixels + most - 1) / most;
  const bool fetches = job.next != nullptr && count_of_tiles > 1;
  const std::size_t ahead_step =
      fetches ? (job.channels * sizeof(float) + count_of_tiles - 1) / count_of_tiles : 0;
  const char* ahead = reinterpret_cast<const char*>(fetches ? job.next : job.weights);
  const auto advance = [&](tile_function f, std::size_t count) {
    f(job, ahead, ahead_step, in, out);
    ahead += job.rows * job.columns * job.run * ahead_step;
    pixels -= count;
    in += count * job.in_step;
    out += count * job.out_step;
  };
  // Equal shares: 7 pixels are 4 + 3 and 49 are 4 · 6 + 5 · 5, since tiles of few pixels wait for their
  // weights and their own additions.
  for (std::size_t share = count_of_tiles; share > 0; --share) {
    const std::size_t count = (pixels + share - 1) / share;
    advance(tiles.of[count - 1], count);
  }
}

using line_function = void (*)(const tile_job&, std::size_t, const float*, float*);

/// Of a block of that form; or null.
template <bool IsNeeded, std::size_t Form>
constexpr line_function line_if() {
  if constexpr (!IsNeeded)
    return nullptr;
  else if constexpr (Form < tile_vectors)
    return &line_of<simd::batch, Form + 1>;
  else
    return &line_of<simd::half, Form - tile_vectors + 1>;
}

}  // namespace detail

/// Computes `pixels` outputs, `in_step` and `out_step` apart, for `job.channels` ≤ block_channels output
/// channels, a block of one of `Forms`.
template <block_set Forms = all_blocks>
void tile_line(const tile_job& job, std::size_t pixels, const float* in, float* out) {
  static constexpr auto lines = []<std::size_t... F>(std::index_sequence<F...>) {
    struct {
      detail::line_function of[block_forms];
    } all{{detail::line_if<(Forms >> F & 1) != 0, F>()...}};
    return all;
  }
  (std::make_index_sequence<block_forms>{});
  lines.of[block_form(job.channels)](job, pixels, in, out);
  activate_limited(job.act, {1, pixels, job.channels, job.out_step}, out);
}

}  // namespace iop::kernel
