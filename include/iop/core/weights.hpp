// SPDX-License-Identifier: MIT
#pragma once

// Where the executor gets weights from: anything that answers "give me this tensor in this shape" with
// float32 values in row-major order as PyTorch stores them (a convolution's is output × input × height ×
// width, a dense layer's output × input). The executor says the shape it needs, so a source that has another
// one is an error, not a surprise.

#include <iop/core/result.hpp>

#include <concepts>
#include <cstddef>
#include <span>
#include <string_view>

namespace iop {

/// `tensor(name, shape)` returns a view that stays valid as long as the source, or an error that names the
/// tensor.
template <class Source>
concept weight_source = requires(const Source& source, std::string_view name,
                                 std::span<const std::size_t> shape) {
  { source.tensor(name, shape) } -> std::same_as<result<std::span<const float>>>;
};

/// A source that can also let go of memory: `release(values)` says that this part of a view has been read.
/// The view stays valid; reading there again only costs what it cost the first time.
template <class Source>
concept releasing_weight_source = weight_source<Source> &&
    requires(const Source& source, std::span<const float> values) {
  source.release(values);
};

}  // namespace iop
