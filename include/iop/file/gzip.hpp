// SPDX-License-Identifier: MIT
#pragma once

// The door to zlib: unpacks one gzip stream held in memory. The output grows as data arrives and never beyond
// a limit that the caller sets, so a small hostile file cannot fill the memory.

#include <iop/core/result.hpp>
#include <iop/file/names.hpp>

#include <zlib.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <limits>
#include <span>
#include <string_view>
#include <vector>

namespace iop::file {

/// True when the bytes begin like a gzip stream.
inline bool is_gzip(std::span<const std::byte> bytes) {
  return bytes.size() >= 2 && bytes[0] == std::byte{0x1f} && bytes[1] == std::byte{0x8b};
}

/// Unpacks; `file` is for the sentence of an error: damaged, truncated, followed by other bytes, or larger
/// than the limit.
inline result<std::vector<std::byte>> gunzip(std::span<const std::byte> packed, std::size_t limit_bytes,
                                             std::string_view file) try {
  const auto fail = [&](std::string_view what) {
    return make_error(errc::bad_file, "'", shown(file).view(), "' ", what);
  };
  if (packed.size() > std::numeric_limits<uInt>::max()) return fail("is larger than a gzip file of 4 GB");

  struct inflater {
    z_stream stream{};
    bool ready = inflateInit2(&stream, 16 + MAX_WBITS) == Z_OK;  // 16: a gzip header, not zlib's own
    inflater() = default;
    inflater(const inflater&) = delete;  // zlib keeps the stream's address
    inflater& operator=(const inflater&) = delete;
    ~inflater() { inflateEnd(&stream); }
  } state;
  if (!state.ready) return make_error(errc::system, "zlib cannot start, perhaps for want of memory");
  state.stream.next_in =
      reinterpret_cast<Bytef*>(const_cast<std::byte*>(packed.data()));  // zlib only reads it
  state.stream.avail_in = static_cast<uInt>(packed.size());

  std::vector<std::byte> unpacked;
  std::size_t made = 0;
  for (;;) {
    if (made == unpacked.size()) {
      // One byte more than the limit, so that a stream of exactly that length is seen to end.
      const std::size_t next = std::max<std::size_t>(std::size_t{64} * 1024, 2 * made);
      unpacked.resize(std::min(next, limit_bytes + 1));
    }
    const std::size_t room = std::min<std::size_t>(unpacked.size() - made, std::numeric_limits<uInt>::max());
    state.stream.next_out = reinterpret_cast<Bytef*>(unpacked.data() + made);
    state.stream.avail_out = static_cast<uInt>(room);
    const int status = inflate(&state.stream, Z_NO_FLUSH);
    made += room - state.stream.avail_out;
    if (made > limit_bytes) {
      return make_error(errc::bad_file, "'", shown(file).view(), "' unpacks to more than ", limit_bytes,
                        " bytes");
    }
    if (status == Z_STREAM_END) break;
    if (status == Z_BUF_ERROR ||
        (status == Z_OK && state.stream.avail_in == 0 && state.stream.avail_out > 0)) {
      return fail("is a gzip file that ends too early");
    }
    if (status != Z_OK) return fail("is a damaged gzip file");
  }
  if (state.stream.avail_in != 0) return fail("has other bytes after its gzip stream");
  unpacked.resize(made);
  return unpacked;
} catch (const std::exception&) {
  return make_error(errc::system, "not enough memory to unpack '", shown(file).view(), "'");
}

}  // namespace iop::file
