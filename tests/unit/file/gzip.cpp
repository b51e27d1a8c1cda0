// SPDX-License-Identifier: MIT
#include <iop/file/gzip.hpp>

#include "catch.hpp"
#include "files.hpp"

#include <cstddef>
#include <string>
#include <string_view>

using iop::file::gunzip;
using iop::file::is_gzip;

namespace {
std::string error_of(std::string_view packed, std::size_t limit = 1000) {
  const auto unpacked = gunzip(files::bytes_of(packed), limit, "x.gz");
  REQUIRE_FALSE(unpacked);
  CHECK(unpacked.error().code == iop::errc::bad_file);
  return std::string(unpacked.error().message.view());
}
}  // namespace

TEST_CASE("gunzip gives back what was packed") {
  for (const std::size_t size : {0u, 1u, 65'535u, 65'536u, 65'537u, 131'072u, 1'000'000u}) {
    const std::string plain(size, 'a');
    const std::string packed = files::gzipped(plain);
    CHECK(is_gzip(files::bytes_of(packed)));
    const auto unpacked = gunzip(files::bytes_of(packed), size, "x.gz");
    REQUIRE(unpacked);
    CHECK(std::string_view(reinterpret_cast<const char*>(unpacked->data()), unpacked->size()) == plain);
  }
}

TEST_CASE("gunzip stops at the limit") {
  CHECK(error_of(files::gzipped(std::string(1001, 'a'))) == "'x.gz' unpacks to more than 1000 bytes");
  CHECK(error_of(files::gzipped(std::string(10'000'000, '\0'))) == "'x.gz' unpacks to more than 1000 bytes");
  CHECK(error_of(files::gzipped("a"), 0) == "'x.gz' unpacks to more than 0 bytes");
}

TEST_CASE("gunzip refuses every truncation") {
  const std::string packed = files::gzipped("the quick brown fox jumps over the lazy dog");
  for (std::size_t size = 0; size < packed.size(); ++size) {
    CHECK(error_of(packed.substr(0, size)) == "'x.gz' is a gzip file that ends too early");
  }
}

TEST_CASE("gunzip refuses damage and whatever follows the stream") {
  std::string packed = files::gzipped("the quick brown fox");
  CHECK(error_of(packed + "x") == "'x.gz' has other bytes after its gzip stream");
  packed[packed.size() - 8] ^= 1;  // the check sum
  CHECK(error_of(packed) == "'x.gz' is a damaged gzip file");
  CHECK(error_of("not gzip at all") == "'x.gz' is a damaged gzip file");
  const std::string_view zlib_stream("\x78\x9c\x03\x00\x00\x00\x00\x01", 8);  // empty, in zlib's own wrapping
  CHECK(error_of(zlib_stream) == "'x.gz' is a damaged gzip file");
  CHECK_FALSE(is_gzip(files::bytes_of("\x1f")));
}
