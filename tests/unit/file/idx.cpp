// SPDX-License-Identifier: MIT
#include <iop/file/idx.hpp>

#include "catch.hpp"
#include "files.hpp"

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

using namespace iop::file;

namespace {
constexpr char u8 = 0x08;

std::string images_error(std::string_view bytes) {
  const auto images = parse_idx_images(files::bytes_of(bytes), "x.idx");
  REQUIRE_FALSE(images);
  CHECK(images.error().code == iop::errc::bad_file);
  return std::string(images.error().message.view());
}
std::string labels_error(std::string_view bytes) {
  const auto labels = parse_idx_labels(files::bytes_of(bytes), "x.idx");
  REQUIRE_FALSE(labels);
  CHECK(labels.error().code == iop::errc::bad_file);
  return std::string(labels.error().message.view());
}
}  // namespace

TEST_CASE("images and labels are read, plain and packed") {
  const files::directory here;
  const std::string images = files::idx(u8, {2, 2, 3}, "abcdefghijkl");
  const std::string labels = files::idx(u8, {2}, "\x07\x09");
  for (const bool packed : {false, true}) {
    const auto data = read_idx_dataset(here.write("images", packed ? files::gzipped(images) : images),
                                       here.write("labels", packed ? files::gzipped(labels) : labels));
    REQUIRE(data);
    CHECK(data->images.count == 2);
    CHECK(data->images.height == 2);
    CHECK(data->images.width == 3);
    CHECK(data->images[0].front() == 'a');
    CHECK(data->images[1].front() == 'g');
    CHECK(data->images[1].back() == 'l');
    CHECK(data->labels == idx_labels{7, 9});
  }
}

TEST_CASE("no images and no labels are a file, too") {
  const auto images = parse_idx_images(files::bytes_of(files::idx(u8, {0, 28, 28}, "")), "x.idx");
  REQUIRE(images);
  CHECK(images->count == 0);
  const auto labels = parse_idx_labels(files::bytes_of(files::idx(u8, {0}, "")), "x.idx");
  REQUIRE(labels);
  CHECK(labels->empty());
}

TEST_CASE("what is not IDX is refused") {
  CHECK(images_error("") == "'x.idx' is too short for an IDX file: it has 0 bytes");
  CHECK(images_error("PK\x08\x03") == "'x.idx' is not an IDX file: it does not begin with two zero bytes");
  CHECK(images_error(files::idx(0x0d, {1, 1, 1}, "abcd")) ==
        "'x.idx' has IDX element type 13, needed is 8 (unsigned byte)");
  CHECK(images_error(files::idx(u8, {2}, "ab")) == "'x.idx' has 1 dimension, needed are 3 (images)");
  CHECK(labels_error(files::idx(u8, {1, 1, 1}, "a")) == "'x.idx' has 3 dimensions, needed are 1 (labels)");
  CHECK(images_error(files::idx(u8, {1, 1, 1}, "a").substr(0, 9)) ==
        "'x.idx' ends within its header, after 9 bytes");
  CHECK(images_error(files::idx(u8, {7, 0, 5}, "")) == "'x.idx' holds images without pixels");
}

TEST_CASE("the sizes must account for every byte") {
  CHECK(images_error(files::idx(u8, {2, 2, 2}, "abcdefg")) ==
        "'x.idx' has 7 bytes of data, its header says [2, 2, 2]");
  CHECK(images_error(files::idx(u8, {2, 2, 2}, "abcdefghi")) ==
        "'x.idx' has 9 bytes of data, its header says [2, 2, 2]");
  CHECK(labels_error(files::idx(u8, {3}, "ab")) == "'x.idx' has 2 bytes of data, its header says [3]");
}

TEST_CASE("sizes whose product overflows are refused before any memory is asked for") {
  const std::uint32_t most = 0xffffffff;
  CHECK(images_error(files::idx(u8, {most, most, most}, "a")) ==
        "'x.idx' has 1 bytes of data, its header says [4294967295, 4294967295, 4294967295]");
  // 2^22 · 2^21 · 2^21 = 2^64, which is 0 in 64 bits.
  CHECK(images_error(files::idx(u8, {1u << 22, 1u << 21, 1u << 21}, "")).find("0 bytes of data") !=
        std::string::npos);
}

TEST_CASE("images and labels must be equally many") {
  const files::directory here;
  const auto data = read_idx_dataset(here.write("images", files::idx(u8, {2, 1, 1}, "ab")),
                                     here.write("labels", files::idx(u8, {3}, "abc")));
  REQUIRE_FALSE(data);
  const std::string message(data.error().message.view());
  CHECK(message.find("images' has 2 images, but '") != std::string::npos);
  CHECK(message.find("labels' has 3 labels") != std::string::npos);
}

TEST_CASE("errors of the file itself come through") {
  const files::directory here;
  CHECK(read_idx_labels(here.path("none")).error().message.view().find("No such file") !=
        std::string_view::npos);
  const std::string packed = files::gzipped(files::idx(u8, {3}, "abc"));
  const auto cut = read_idx_labels(here.write("cut", packed.substr(0, packed.size() - 1)));
  CHECK(cut.error().message.view().find("ends too early") != std::string_view::npos);
}

TEST_CASE("Debian's Fashion-MNIST is read, where it is installed") {
  const std::string folder = "/usr/share/datasets/fashion-mnist/";
  if (!std::filesystem::exists(folder + "t10k-images-idx3-ubyte.gz")) {
    WARN("dataset-fashion-mnist is not installed");
    return;
  }
  const auto data =
      read_idx_dataset(folder + "t10k-images-idx3-ubyte.gz", folder + "t10k-labels-idx1-ubyte.gz");
  REQUIRE(data);
  CHECK(data->images.count == 10'000);
  CHECK(data->images.height == 28);
  CHECK(data->images.width == 28);
  std::vector<std::size_t> images_of(256);
  for (const std::uint8_t label : data->labels) ++images_of[label];
  for (std::size_t label = 0; label < 10; ++label) CHECK(images_of[label] == 1000);
}
