// SPDX-License-Identifier: MIT
#pragma once

// IDX, the format of MNIST and its relatives: two zero bytes, the element type, the number of dimensions, one
// big-endian 32-bit size per dimension, then the elements. Read here are unsigned bytes in three dimensions
// (images) and in one (labels), plain or packed by gzip. The sizes must account for every byte of the file.

#include <iop/core/fixed_vector.hpp>
#include <iop/core/result.hpp>
#include <iop/file/gzip.hpp>
#include <iop/file/mapped_file.hpp>
#include <iop/file/names.hpp>

#include <cstddef>
#include <cstdint>
#include <exception>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace iop::file {

/// Grey images of one size, rows from top to bottom, one byte per pixel.
struct idx_images {
  std::size_t count = 0;
  std::size_t height = 0;
  std::size_t width = 0;
  std::vector<std::uint8_t> pixels{};

  /// The height · width pixels of one image.
  std::span<const std::uint8_t> operator[](std::size_t i) const {
    return {pixels.data() + i * height * width, height * width};
  }
};

/// The right answer for each image, in the same order.
using idx_labels = std::vector<std::uint8_t>;

struct idx_dataset {
  idx_images images{};
  idx_labels labels{};
};

/// Bytes that a packed IDX file may unpack to; the largest of MNIST's have 47 MB.
inline constexpr std::size_t idx_limit_bytes = std::size_t{1} << 28;

namespace detail {

/// What an IDX file says, as a view of its bytes.
struct idx_view {
  fixed_vector<std::size_t, 3> sizes{};
  std::span<const std::byte> elements{};

  result<std::vector<std::uint8_t>> copy() const try {
    const auto* first = reinterpret_cast<const std::uint8_t*>(elements.data());
    return std::vector<std::uint8_t>(first, first + elements.size());
  } catch (const std::exception&) {
    return make_error(errc::system, "not enough memory for ", elements.size(), " bytes of images or labels");
  }
};

inline result<idx_view> parse_idx(std::span<const std::byte> bytes, std::size_t dimensions,
                                  std::string_view file) {
  const auto name = shown(file);
  const auto byte_at = [&](std::size_t i) { return std::to_integer<std::size_t>(bytes[i]); };
  const auto fail = [&](const auto&... what) {
    return make_error(errc::bad_file, "'", name.view(), "' ", what...);
  };

  if (bytes.size() < 4) return fail("is too short for an IDX file: it has ", bytes.size(), " bytes");
  if (byte_at(0) != 0 || byte_at(1) != 0)
    return fail("is not an IDX file: it does not begin with two zero bytes");
  if (byte_at(2) != 0x08) return fail("has IDX element type ", byte_at(2), ", needed is 8 (unsigned byte)");
  if (byte_at(3) != dimensions) {
    return fail("has ", byte_at(3), byte_at(3) == 1 ? " dimension, needed are " : " dimensions, needed are ",
                dimensions, dimensions == 1 ? " (labels)" : " (images)");
  }
  const std::size_t header_bytes = 4 + 4 * dimensions;
  if (bytes.size() < header_bytes) return fail("ends within its header, after ", bytes.size(), " bytes");

  idx_view view;
  view.elements = bytes.subspan(header_bytes);
  std::size_t elements = 1;
  bool fits = true;  // the product never passes the number of bytes that are there, so it cannot overflow
  for (std::size_t i = 0; i < dimensions; ++i) {
    const std::size_t at = 4 + 4 * i;
    const std::size_t size =
        byte_at(at) << 24 | byte_at(at + 1) << 16 | byte_at(at + 2) << 8 | byte_at(at + 3);
    if (i > 0 && size == 0) return fail("holds images without pixels");
    fits = fits && (size == 0 || elements <= view.elements.size() / size);
    if (fits) elements *= size;
    view.sizes.push_back(size);
  }
  if (!fits || elements != view.elements.size()) {
    return fail("has ", view.elements.size(), " bytes of data, its header says ",
                shown({view.sizes.data(), view.sizes.size()}).view());
  }
  return view;
}

/// Parses the bytes of the file, unpacked if need be.
template <class Value>
result<Value> read_idx(const std::string& path,
                       result<Value> (*parse)(std::span<const std::byte>, std::string_view)) {
  const auto file = mapped_file::open(path);
  if (!file) return file.error();
  if (!is_gzip(file->bytes())) return parse(file->bytes(), path);
  const auto unpacked = gunzip(file->bytes(), idx_limit_bytes, path);
  if (!unpacked) return unpacked.error();
  return parse(*unpacked, path);
}

}  // namespace detail

/// Copies the images out of the bytes of an IDX file; `file` names them in the sentence of an error.
inline result<idx_images> parse_idx_images(std::span<const std::byte> bytes, std::string_view file) {
  const auto view = detail::parse_idx(bytes, 3, file);
  if (!view) return view.error();
  auto pixels = view->copy();
  if (!pixels) return pixels.error();
  return idx_images{view->sizes[0], view->sizes[1], view->sizes[2], std::move(*pixels)};
}

/// The same for labels.
inline result<idx_labels> parse_idx_labels(std::span<const std::byte> bytes, std::string_view file) {
  const auto view = detail::parse_idx(bytes, 1, file);
  if (!view) return view.error();
  return view->copy();
}

inline result<idx_images> read_idx_images(const std::string& path) {
  return detail::read_idx(path, parse_idx_images);
}
inline result<idx_labels> read_idx_labels(const std::string& path) {
  return detail::read_idx(path, parse_idx_labels);
}

/// Images and their labels, which must be equally many.
inline result<idx_dataset> read_idx_dataset(const std::string& images_path, const std::string& labels_path) {
  auto images = read_idx_images(images_path);
  if (!images) return images.error();
  auto labels = read_idx_labels(labels_path);
  if (!labels) return labels.error();
  if (images->count != labels->size()) {
    return make_error(errc::bad_file, "'", shown(images_path).view(), "' has ", images->count,
                      " images, but '", shown(labels_path).view(), "' has ", labels->size(), " labels");
  }
  return idx_dataset{std::move(*images), std::move(*labels)};
}

}  // namespace iop::file
