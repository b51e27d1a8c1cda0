// SPDX-License-Identifier: MIT
#pragma once

// A safetensors file: 8 bytes of little-endian header length, a JSON header, the data. Tensors are views into
// the mapped file; nothing is copied. The tensors must cover the data exactly, without gaps or overlaps, each
// with the bytes that its shape and type say; a file that breaks any rule is refused as a whole with a
// sentence naming file and tensor.

#include <iop/core/digest.hpp>
#include <iop/core/result.hpp>
#include <iop/core/weights.hpp>
#include <iop/file/mapped_file.hpp>
#include <iop/file/names.hpp>
#include <iop/file/safetensors_header.hpp>

#include <nlohmann/json.hpp>

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <exception>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace iop::file {

/// The tensors of one file by name. Move-only; views stay valid while the object (or where it was moved to)
/// lives.
class safetensors {
 public:
  static_assert(std::endian::native == std::endian::little,
                "safetensors holds little-endian numbers, as do the views");
  /// Headers beyond this are refused, as by the format's own library.
  static constexpr std::size_t header_limit_bytes = 100'000'000;

  safetensors() = default;

  /// Maps the file and keeps it mapped.
  static result<safetensors> open(const std::string& path);
  /// Views bytes that must outlive the object; `file` names them in the sentences of errors.
  static result<safetensors> parse(std::span<const std::byte> bytes, std::string_view file);

  std::size_t size() const { return tensors_.size(); }
  /// All tensors, sorted by name.
  std::span<const stored_tensor> tensors() const { return tensors_; }
  /// The tensor of this name, or null.
  const stored_tensor* find(std::string_view name) const {
    const auto at = std::ranges::lower_bound(tensors_, name, {}, &stored_tensor::name);
    return at != tensors_.end() && at->name == name ? &*at : nullptr;
  }
  /// What the file's `__metadata__` says about `key`; empty when it does not.
  std::string_view metadata(std::string_view key) const {
    const auto at = metadata_.find(key);
    return at != metadata_.end() ? std::string_view(at->second) : std::string_view();
  }

  /// The float32 values of a tensor that must have this shape: iop::weight_source. Errors (bad_tensor): there
  /// is none of this name, its type or shape is another, or its data does not lie on a multiple of 4 bytes.
  result<std::span<const float>> tensor(std::string_view name, std::span<const std::size_t> shape) const;

  /// Values that were read need not stay in memory: iop::releasing_weight_source. Does nothing when the bytes
  /// are not a mapped file's.
  void release(std::span<const float> values) const { mapping_.release(std::as_bytes(values)); }

  /// Of all tensors, with their names: for peers that must have the same. Reads the whole file, a part at a
  /// time.
  std::uint64_t digest() const;

  /// An error when the file has a tensor that is not among `used`: most likely it belongs to another network.
  error check_only(std::span<const std::string_view> used) const;

 private:
  static result<safetensors> parse_or_throw(std::span<const std::byte> bytes, std::string_view file);
  error place(std::span<const std::byte> data);
  template <class... Parts>
  error fail(errc code, const Parts&... parts) const {
    return make_error(code, "'", shown(file_).view(), "': ", parts...);
  }

  std::string file_{};
  std::vector<stored_tensor> tensors_{};
  std::map<std::string, std::string, std::less<>> metadata_{};
  mapped_file mapping_{};
};

static_assert(releasing_weight_source<safetensors>);

namespace detail {

/// Bytes of a tensor of this shape, SIZE_MAX when they are too many to count.
inline std::size_t byte_count(const stored_tensor& tensor) {
  std::size_t bytes = tensor.dtype.bytes;
  if (std::ranges::find(tensor.shape, std::size_t{0}) != tensor.shape.end()) return 0;
  for (const std::size_t size : tensor.shape) {
    if (bytes > SIZE_MAX / size) return SIZE_MAX;
    bytes *= size;
  }
  return bytes;
}

}  // namespace detail

inline result<safetensors> safetensors::open(const std::string& path) {
  auto mapping = mapped_file::open(path);
  if (!mapping) return mapping.error();
  auto parsed = parse(mapping->bytes(), path);
  if (parsed) parsed->mapping_ = std::move(*mapping);
  return parsed;
}

inline result<safetensors> safetensors::parse(std::span<const std::byte> bytes, std::string_view file) try {
  return parse_or_throw(bytes, file);
} catch (const std::exception&) {
  return make_error(errc::system, "not enough memory to read the header of '", shown(file).view(), "'");
}

inline result<safetensors> safetensors::parse_or_throw(std::span<const std::byte> bytes,
                                                       std::string_view file) {
  safetensors all;
  all.file_ = shown(file).view();
  const auto fail = [&](const auto&... parts) { return all.fail(errc::bad_file, parts...); };

  std::uint64_t length = 0;
  if (bytes.size() < sizeof length)
    return fail("too short for a safetensors file, it has ", bytes.size(), " bytes");
  std::memcpy(&length, bytes.data(), sizeof length);
  const std::span<const std::byte> rest = bytes.subspan(sizeof length);
  if (length > header_limit_bytes)
    return fail("not a safetensors file: its first 8 bytes are not the length of a header");
  if (length > rest.size())
    return fail("truncated, its header has ", length, " bytes and ", rest.size(), " are there");

  const auto header_bytes = static_cast<std::size_t>(length);
  const std::string_view json(reinterpret_cast<const char*>(rest.data()), header_bytes);
  if (!json.starts_with('{')) return fail("the header must begin with '{'");
  // The parser would take a zero for the end and leave the rest unread.
  if (json.find('\0') != std::string_view::npos)
    return fail("the header has a zero byte at ", json.find('\0'));

  detail::header_reader reader(file);
  if (!nlohmann::json::sax_parse(json.begin(), json.end(), &reader)) return reader.reason;
  all.tensors_ = std::move(reader.tensors);
  all.metadata_ = std::move(reader.metadata);
  if (const error wrong = all.place(rest.subspan(header_bytes))) return wrong;

  std::ranges::sort(all.tensors_, {}, &stored_tensor::name);
  const auto twice = std::ranges::adjacent_find(all.tensors_, {}, &stored_tensor::name);
  if (twice != all.tensors_.end()) return fail("tensor '", shown(twice->name).view(), "' appears twice");
  return all;
}

/// Gives each tensor its bytes and checks that together they are the data.
inline error safetensors::place(std::span<const std::byte> data) {
  std::ranges::sort(tensors_, {}, [](const stored_tensor& t) { return std::pair(t.begin, t.end); });
  std::size_t covered = 0;
  for (stored_tensor& tensor : tensors_) {
    const auto name = shown(tensor.name);
    const auto wrong = [&](const auto&... parts) {
      return fail(errc::bad_file, "tensor '", name.view(), "' ", parts...);
    };
    if (tensor.begin > tensor.end)
      return wrong("ends at byte ", tensor.end, ", before its begin ", tensor.begin);
    if (tensor.end > data.size()) {
      return wrong("ends at byte ", tensor.end, " of the data, which has ", data.size(), ": truncated?");
    }
    if (tensor.begin < covered)
      return wrong("begins at byte ", tensor.begin, ", within the tensor before it");
    if (tensor.begin > covered)
      return wrong("begins at byte ", tensor.begin, ", but nothing holds those from ", covered);
    if (detail::byte_count(tensor) != tensor.end - tensor.begin) {
      return wrong("has ", tensor.end - tensor.begin, " bytes, which is not ",
                   shown(tensor.dimensions()).view(), " of ", tensor.dtype.name);
    }
    tensor.bytes = data.subspan(tensor.begin, tensor.end - tensor.begin);
    covered = tensor.end;
  }
  if (covered != data.size())
    return fail(errc::bad_file, data.size() - covered, " bytes at the end belong to no tensor");
  return {};
}

inline result<std::span<const float>> safetensors::tensor(std::string_view name,
                                                          std::span<const std::size_t> shape) const {
  const auto wrong = [&](const auto&... parts) { return fail(errc::bad_tensor, parts...); };
  const stored_tensor* const found = find(name);
  if (found == nullptr) {
    if (tensors_.empty()) return wrong("no tensor '", shown(name).view(), "', the file has none at all");
    const auto near = std::ranges::min_element(tensors_, {}, [&](const stored_tensor& t) {
      return edit_distance(shown(t.name).view(), shown(name).view());
    });
    return wrong("no tensor '", shown(name).view(), "', nearest is '", shown(near->name).view(), "'");
  }
  const auto called = shown(name);
  if (found->dtype.name != "F32")
    return wrong("tensor '", called.view(), "' is ", found->dtype.name, ", needs F32");
  if (!std::ranges::equal(found->shape, shape)) {
    return wrong("tensor '", called.view(), "' has shape ", shown(found->dimensions()).view(),
                 ", the network needs ", shown(shape).view());
  }
  if (reinterpret_cast<std::uintptr_t>(found->bytes.data()) % alignof(float) != 0) {
    return wrong("tensor '", called.view(), "' does not lie on a multiple of 4 bytes, write the file anew");
  }
  return std::span<const float>(reinterpret_cast<const float*>(found->bytes.data()),
                                found->bytes.size() / sizeof(float));
}

inline std::uint64_t safetensors::digest() const {
  constexpr std::size_t most = std::size_t{1} << 20;
  iop::digest sum;
  for (const stored_tensor& tensor : tensors_) {
    sum.add(tensor.name).add(tensor.bytes.size());
    for (std::size_t at = 0; at < tensor.bytes.size(); at += most) {
      const auto part = tensor.bytes.subspan(at, std::min(most, tensor.bytes.size() - at));
      sum.add(std::string_view(reinterpret_cast<const char*>(part.data()), part.size()));
      mapping_.release(part);
    }
  }
  return sum.value;
}

inline error safetensors::check_only(std::span<const std::string_view> used) const {
  for (const stored_tensor& tensor : tensors_) {
    if (std::ranges::find(used, tensor.name) == used.end()) {
      return fail(errc::bad_tensor, "no operator of the network uses tensor '", shown(tensor.name).view(),
                  "'");
    }
  }
  return {};
}

}  // namespace iop::file
