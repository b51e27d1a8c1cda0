// SPDX-License-Identifier: MIT
#pragma once

// What the tests of this folder share: files built byte by byte, and a temporary directory.

#include <unistd.h>
#include <zlib.h>

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <initializer_list>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace files {

inline std::span<const std::byte> bytes_of(std::string_view text) { return std::as_bytes(std::span(text)); }

/// A safetensors file: length of the header, header, data.
inline std::string safetensors(std::string_view header, std::string_view data = "") {
  std::string all;
  for (int byte = 0; byte < 8; ++byte) all.push_back(static_cast<char>(header.size() >> (8 * byte) & 0xff));
  return all.append(header).append(data);
}

/// An IDX file: element type, sizes, elements.
inline std::string idx(char type, std::initializer_list<std::uint32_t> sizes, std::string_view elements) {
  std::string all{'\0', '\0', type, static_cast<char>(sizes.size())};
  for (const std::uint32_t size : sizes)
    for (int byte = 3; byte >= 0; --byte) all.push_back(static_cast<char>(size >> (8 * byte) & 0xff));
  return all.append(elements);
}

inline std::string gzipped(std::string_view plain) {
  z_stream stream{};
  deflateInit2(&stream, Z_BEST_COMPRESSION, Z_DEFLATED, 16 + MAX_WBITS, 8, Z_DEFAULT_STRATEGY);
  std::string packed(deflateBound(&stream, static_cast<uLong>(plain.size())), '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(plain.data()));
  stream.avail_in = static_cast<uInt>(plain.size());
  stream.next_out = reinterpret_cast<Bytef*>(packed.data());
  stream.avail_out = static_cast<uInt>(packed.size());
  deflate(&stream, Z_FINISH);
  packed.resize(stream.total_out);
  deflateEnd(&stream);
  return packed;
}

/// A directory of its own that disappears with the object.
class directory {
 public:
  directory() : path_(std::filesystem::temp_directory_path() / ("iop-test-" + std::to_string(::getpid()))) {
    std::filesystem::create_directories(path_);
  }
  directory(const directory&) = delete;
  directory& operator=(const directory&) = delete;
  ~directory() { std::filesystem::remove_all(path_); }

  std::string path(std::string_view name) const { return (path_ / name).string(); }
  std::string write(std::string_view name, std::string_view content) const {
    std::ofstream(path(name), std::ios::binary) << content;
    return path(name);
  }

 private:
  std::filesystem::path path_;
};

}  // namespace files
