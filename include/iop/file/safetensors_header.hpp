// SPDX-License-Identifier: MIT
#pragma once

// The door to nlohmann::json: reads the JSON header of a safetensors file as a stream of events, so that
// nothing but the tensors is stored, nesting is refused at the first bracket too many, and keys that appear
// twice are seen. The header is {"name": {"dtype": "F32", "shape": [2, 3], "data_offsets": [0, 24]}, …,
// "__metadata__": {"key": "text"}}.

#include <iop/core/fixed_vector.hpp>
#include <iop/core/result.hpp>
#include <iop/file/names.hpp>

#include <nlohmann/json.hpp>

#include <cstddef>
#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace iop::file {

/// An element type of the format and its size.
struct dtype {
  std::string_view name{};
  std::size_t bytes = 0;
  friend bool operator==(const dtype&, const dtype&) = default;
};

inline constexpr dtype dtypes[] = {{"F64", 8}, {"F32", 4}, {"F16", 2},  {"BF16", 2},    {"I64", 8},
                                   {"I32", 4}, {"I16", 2}, {"I8", 1},   {"U64", 8},     {"U32", 4},
                                   {"U16", 2}, {"U8", 1},  {"BOOL", 1}, {"F8_E4M3", 1}, {"F8_E5M2", 1}};

/// A tensor as the file stores it.
struct stored_tensor {
  std::string name{};
  file::dtype dtype{};
  fixed_vector<std::size_t, 8> shape{};  ///< row-major; no dimensions: a single element
  std::size_t begin = 0;                 ///< its bytes are [begin, end) of the data after the header
  std::size_t end = 0;
  std::span<const std::byte> bytes{};  ///< where they are in memory

  std::span<const std::size_t> dimensions() const { return {shape.data(), shape.size()}; }
};

namespace detail {

/// Receives the events of nlohmann::json's parser, whose names its functions bear; false stops it, and
/// `reason` says why.
class header_reader {
 public:
  explicit header_reader(std::string_view file) : file_(shown(file)) {}

  std::vector<stored_tensor> tensors{};
  std::map<std::string, std::string, std::less<>> metadata{};
  error reason{};

  bool start_object(std::size_t) {
    if (place_ == place::outside) return enter(place::header);
    if (place_ != place::header) return refuse("an object");
    if (key_ == "__metadata__") return enter(place::metadata);
    tensors.emplace_back().name = key_;
    seen_dtype_ = seen_shape_ = seen_offsets_ = false;
    return enter(place::tensor);
  }
  bool end_object() {
    if (place_ != place::tensor) return enter(place_ == place::metadata ? place::header : place::outside);
    if (!seen_dtype_) return fail("tensor '", name(), "' has no dtype");
    if (!seen_shape_) return fail("tensor '", name(), "' has no shape");
    if (!seen_offsets_) return fail("tensor '", name(), "' has no data_offsets");
    return enter(place::header);
  }
  bool key(std::string& word) {
    key_ = std::move(word);
    if (place_ != place::tensor) return true;
    bool* const seen = key_ == "dtype"          ? &seen_dtype_
                       : key_ == "shape"        ? &seen_shape_
                       : key_ == "data_offsets" ? &seen_offsets_
                                                : nullptr;
    if (seen == nullptr) return fail("tensor '", name(), "' has an unknown entry '", shown(key_).view(), "'");
    if (std::exchange(*seen, true)) return fail("tensor '", name(), "' has its ", key_, " twice");
    return true;
  }
  bool start_array(std::size_t) {
    if (place_ != place::tensor || key_ == "dtype") return refuse("a list");
    offsets_.clear();
    return enter(key_ == "shape" ? place::shape : place::offsets);
  }
  bool end_array() {
    if (place_ == place::offsets) {
      if (offsets_.size() != 2) return fail("the data_offsets of tensor '", name(), "' must be two numbers");
      tensors.back().begin = offsets_[0];
      tensors.back().end = offsets_[1];
    }
    return enter(place::tensor);
  }
  bool string(std::string& value) {
    if (place_ == place::metadata) {
      if (metadata.emplace(key_, std::move(value)).second) return true;
      return fail("'", shown(key_).view(), "' appears twice in __metadata__");
    }
    if (place_ != place::tensor || key_ != "dtype") return refuse("a text");
    for (const dtype& known : dtypes) {
      if (known.name == value) {
        tensors.back().dtype = known;
        return true;
      }
    }
    return fail("tensor '", name(), "' has the unknown dtype '", shown(value).view(), "'");
  }
  bool number_unsigned(std::uint64_t value) {
    if (place_ != place::shape && place_ != place::offsets) return refuse("a number");
    if (!std::in_range<std::size_t>(value)) return refuse("a number that is too large for this machine");
    const auto size = static_cast<std::size_t>(value);
    if (place_ == place::shape) return append(tensors.back().shape, size);
    return append(offsets_, size);
  }
  bool number_integer(std::int64_t) { return refuse("a negative number"); }
  bool number_float(double, const std::string&) { return refuse("a fraction or a number beyond 64 bits"); }
  bool boolean(bool) { return refuse("true or false"); }
  bool null() { return refuse("null"); }
  bool binary(std::vector<std::uint8_t>&) { return refuse("binary data"); }
  bool parse_error(std::size_t position, const std::string& last, const nlohmann::json::exception&) {
    return fail("the header is not JSON in UTF-8: stopped at its byte ", position, " after '",
                shown(last).view(), "'");
  }

 private:
  enum class place { outside, header, metadata, tensor, shape, offsets };

  bool enter(place next) {
    place_ = next;
    return true;
  }
  template <std::size_t Capacity>
  bool append(fixed_vector<std::size_t, Capacity>& list, std::size_t value) {
    if (list.size() == Capacity)
      return fail("the ", key_, " of tensor '", name(), "' has more than ", Capacity, " numbers");
    list.push_back(value);
    return true;
  }
  template <class... Parts>
  bool fail(const Parts&... parts) {
    reason = make_error(errc::bad_file, "'", file_.view(), "': ", parts...);
    return false;
  }
  /// The value that arrives is of the wrong type for this place.
  bool refuse(std::string_view got) {
    switch (place_) {
      case place::outside:
        return fail("the header must be a JSON object, not ", got);
      case place::header:
        return fail("'", shown(key_).view(), "' must be an object with dtype, shape and data_offsets, not ",
                    got);
      case place::metadata:
        return fail("__metadata__ must hold texts, '", shown(key_).view(), "' is ", got);
      case place::tensor:
        return fail("the ", key_, " of tensor '", name(), "' must be ",
                    key_ == "dtype" ? "a text" : "a list of whole numbers", ", not ", got);
      default:
        return fail("the ", key_, " of tensor '", name(), "' must be whole numbers, not ", got);
    }
  }
  std::string_view name() {
    shown_name_ = shown(tensors.back().name);
    return shown_name_.view();
  }

  text<60> file_;
  text<60> shown_name_{};
  place place_ = place::outside;
  std::string key_{};
  fixed_vector<std::size_t, 2> offsets_{};
  bool seen_dtype_ = false;
  bool seen_shape_ = false;
  bool seen_offsets_ = false;
};

}  // namespace detail
}  // namespace iop::file
