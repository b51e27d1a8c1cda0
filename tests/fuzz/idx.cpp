// SPDX-License-Identifier: MIT

// libFuzzer: any bytes, also unpacked by gzip, are either refused with a sentence or are images or labels as
// many as they say. Run: fuzz_idx -max_total_time=60 corpus/idx

#include <iop/file/gzip.hpp>
#include <iop/file/idx.hpp>

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <span>

namespace {

void require(bool condition) {
  if (!condition) std::abort();
}

void parse(std::span<const std::byte> bytes) {
  if (const auto images = iop::file::parse_idx_images(bytes, "fuzz.idx")) {
    std::size_t pixels = 0;
    for (std::size_t i = 0; i < images->count; ++i) {
      pixels += (*images)[i].size();
      require((*images)[i].back() == std::to_integer<std::uint8_t>(bytes[16 + pixels - 1]));
    }
    require(pixels == images->pixels.size() && pixels + 16 == bytes.size());
  } else {
    require(images.error().code == iop::errc::bad_file && !images.error().message.empty());
  }
  if (const auto labels = iop::file::parse_idx_labels(bytes, "fuzz.idx")) {
    require(labels->size() + 8 == bytes.size());
  } else {
    require(labels.error().code == iop::errc::bad_file && !labels.error().message.empty());
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  constexpr std::size_t limit_bytes = 1 << 20;
  const auto bytes = std::as_bytes(std::span(data, size));
  parse(bytes);
  if (const auto unpacked = iop::file::gunzip(bytes, limit_bytes, "fuzz.gz")) {
    require(iop::file::is_gzip(bytes) && unpacked->size() <= limit_bytes);
    parse(*unpacked);
  } else {
    require(unpacked.error().code == iop::errc::bad_file && !unpacked.error().message.empty());
  }
  return 0;
}
