// SPDX-License-Identifier: MIT
#include <iop/file/safetensors.hpp>

#include "catch.hpp"
#include "files.hpp"

#include <array>
#include <cstddef>
#include <cstring>
#include <initializer_list>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

using iop::file::safetensors;

static_assert(std::is_move_constructible_v<safetensors> && !std::is_copy_constructible_v<safetensors>);

namespace {

using dimensions = std::vector<std::size_t>;

std::string entry(std::string_view name, std::string_view dtype, std::string_view shape, std::size_t begin,
                  std::size_t end) {
  return std::string("\"")
             .append(name)
             .append("\":{\"dtype\":\"")
             .append(dtype)
             .append("\",\"shape\":")
             .append(shape) +
         ",\"data_offsets\":[" + std::to_string(begin) + "," + std::to_string(end) + "]}";
}

std::string floats(std::initializer_list<float> values) {
  std::string all(values.size() * sizeof(float), '\0');
  std::memcpy(all.data(), values.begin(), all.size());
  return all;
}

std::string refused(const std::string& bytes) {
  const auto parsed = safetensors::parse(files::bytes_of(bytes), "w");
  REQUIRE_FALSE(parsed);
  CHECK(parsed.error().code == iop::errc::bad_file);
  return std::string(parsed.error().message.view());
}

std::string refused(const std::string& entries, std::size_t data_bytes) {
  return refused(files::safetensors("{" + entries + "}", std::string(data_bytes, 'x')));
}

std::string tensor_error(const safetensors& file, std::string_view name, const dimensions& shape) {
  const auto tensor = file.tensor(name, shape);
  REQUIRE_FALSE(tensor);
  CHECK(tensor.error().code == iop::errc::bad_tensor);
  return std::string(tensor.error().message.view());
}

/// Two tensors, one of them empty, and a padded header, as the format's own library writes it.
std::string small_file() {
  std::string header = "{" + entry("fc1.weight", "F32", "[2,3]", 0, 24) + "," +
                       entry("fc1.bias", "F32", "[2]", 24, 32) + "," +
                       entry("none", "U8", "[0,18446744073709551615,3]", 32, 32) + "," +
                       entry("half", "F16", "[]", 32, 34) + R"(,"__metadata__":{"seed":"5"}})";
  header.append((16 - header.size() % 8) % 8, ' ');
  return files::safetensors(header, floats({1, 2, 3, 4, 5, 6, 7, 8}) + "hh");
}

}  // namespace

TEST_CASE("a file is read back as it was written") {
  const files::directory here;
  auto opened = safetensors::open(here.write("weights.safetensors", small_file()));
  REQUIRE(opened);
  const safetensors file = std::move(*opened);

  CHECK(file.size() == 4);
  CHECK(file.tensors().front().name == "fc1.bias");
  CHECK(file.metadata("seed") == "5");
  CHECK(file.metadata("author").empty());

  const auto weight = file.tensor("fc1.weight", dimensions{2, 3});
  REQUIRE(weight);
  CHECK(std::vector<float>(weight->begin(), weight->end()) == std::vector<float>{1, 2, 3, 4, 5, 6});
  const auto bias = file.tensor("fc1.bias", dimensions{2});
  REQUIRE(bias);
  CHECK(std::vector<float>(bias->begin(), bias->end()) == std::vector<float>{7, 8});

  REQUIRE(file.find("none") != nullptr);
  CHECK(file.find("none")->bytes.empty());
  REQUIRE(file.find("half") != nullptr);
  CHECK(file.find("half")->dtype == iop::file::dtype{"F16", 2});
  CHECK(file.find("half")->bytes.size() == 2);
  CHECK(file.find("fc1") == nullptr);
}

TEST_CASE("a file without tensors is a file") {
  const std::string bytes = files::safetensors("{}");
  const auto file = safetensors::parse(files::bytes_of(bytes), "w");
  REQUIRE(file);
  CHECK(file->size() == 0);
  CHECK(tensor_error(*file, "a", {1}) == "'w': no tensor 'a', the file has none at all");
}

TEST_CASE("tensors may be listed in any order, empty ones at any border") {
  const std::string bytes =
      files::safetensors("{" + entry("c", "U8", "[2]", 4, 6) + "," + entry("a", "U8", "[4]", 0, 4) + "," +
                             entry("b", "U8", "[0]", 0, 0) + "," + entry("d", "F32", "[0]", 4, 4) + "}",
                         "123456");
  const auto file = safetensors::parse(files::bytes_of(bytes), "w");
  REQUIRE(file);
  CHECK(file->size() == 4);
  CHECK(file->find("c")->bytes.front() == std::byte{'5'});
}

TEST_CASE("a tensor of another name, type or shape is an error that says both") {
  const std::string bytes = small_file();
  const auto file = safetensors::parse(files::bytes_of(bytes), "w");
  REQUIRE(file);
  CHECK(tensor_error(*file, "fc1.wieght", {2, 3}) == "'w': no tensor 'fc1.wieght', nearest is 'fc1.weight'");
  CHECK(tensor_error(*file, "half", {}) == "'w': tensor 'half' is F16, needs F32");
  CHECK(tensor_error(*file, "fc1.weight", {3, 2}) ==
        "'w': tensor 'fc1.weight' has shape [2, 3], the network needs [3, 2]");
  CHECK(tensor_error(*file, "fc1.weight", {6}) ==
        "'w': tensor 'fc1.weight' has shape [2, 3], the network needs [6]");
}

TEST_CASE("the digest tells weights apart, not files") {
  const auto digest_of = [](const std::string& header, const std::string& data) {
    const std::string bytes = files::safetensors(header, data);
    const auto file = safetensors::parse(files::bytes_of(bytes), "w");
    REQUIRE(file);
    return file->digest();
  };
  const std::string a = entry("a", "F32", "[2]", 0, 8);
  const auto sound = digest_of("{" + a + "}", floats({1, 2}));
  CHECK(digest_of("{" + a + R"(,"__metadata__":{"by":"somebody"}})", floats({1, 2})) == sound);
  CHECK(digest_of("{" + a + "}", floats({2, 1})) != sound);
  CHECK(digest_of("{" + entry("b", "F32", "[2]", 0, 8) + "}", floats({1, 2})) != sound);
}

TEST_CASE("data that is not aligned is refused when asked for, not misread") {
  const std::string bytes = files::safetensors(
      "{" + entry("a", "U8", "[1]", 0, 1) + "," + entry("b", "F32", "[1]", 1, 5) + "}", "12345");
  for (std::size_t shift = 0; shift < 4; ++shift) {
    std::vector<std::byte> moved(bytes.size() + shift);
    std::memcpy(moved.data() + shift, bytes.data(), bytes.size());
    const auto file = safetensors::parse(std::span<const std::byte>(moved).subspan(shift), "w");
    REQUIRE(file);
    const bool aligned =
        reinterpret_cast<std::uintptr_t>(file->find("b")->bytes.data()) % alignof(float) == 0;
    if (aligned)
      CHECK(file->tensor("b", dimensions{1}));
    else
      CHECK(tensor_error(*file, "b", {1}).find("tensor 'b' does not lie on a multiple of 4 bytes") !=
            std::string::npos);
  }
}

TEST_CASE("tensors that nobody uses are noticed") {
  const std::string bytes = small_file();
  const auto file = safetensors::parse(files::bytes_of(bytes), "w");
  REQUIRE(file);
  const std::array<std::string_view, 4> all{"fc1.weight", "fc1.bias", "half", "none"};
  CHECK_FALSE(file->check_only(all));
  const iop::error unused = file->check_only(std::span(all).first(3));
  CHECK(unused.code == iop::errc::bad_tensor);
  CHECK(unused.message.view() == "'w': no operator of the network uses tensor 'none'");
}

TEST_CASE("every truncation of a file is refused") {
  const std::string bytes = small_file();
  for (std::size_t size = 0; size < bytes.size(); ++size) refused(bytes.substr(0, size));
  CHECK(refused("1234567") == "'w': too short for a safetensors file, it has 7 bytes");
  CHECK(refused(bytes.substr(0, 20)).find("' and 12 are there") == std::string::npos);
  CHECK(refused(bytes.substr(0, 20)).find("bytes and 12 are there") != std::string::npos);
  CHECK(refused(bytes.substr(0, bytes.size() - 1)) ==
        "'w': tensor 'half' ends at byte 34 of the data, which has 33: truncated?");
}

TEST_CASE("absurd header lengths are refused") {
  CHECK(refused(std::string(8, '\xff')) ==
        "'w': not a safetensors file: its first 8 bytes are not the length of a header");
  CHECK(refused("A plain text file").find("not a safetensors file") != std::string::npos);
}

TEST_CASE("offsets must lie in the data and cover it without gaps or overlaps") {
  const std::string a = entry("a", "U8", "[4]", 0, 4);
  CHECK(refused(entry("a", "U8", "[4]", 4, 0), 4) == "'w': tensor 'a' ends at byte 0, before its begin 4");
  CHECK(refused(entry("a", "U8", "[5]", 0, 5), 4) ==
        "'w': tensor 'a' ends at byte 5 of the data, which has 4: truncated?");
  CHECK(refused(a + "," + entry("b", "U8", "[4]", 2, 6), 6) ==
        "'w': tensor 'b' begins at byte 2, within the tensor before it");
  CHECK(refused(a + "," + entry("b", "U8", "[4]", 0, 4), 4).find("within the tensor before it") !=
        std::string::npos);
  CHECK(refused(a + "," + entry("b", "U8", "[0]", 2, 2), 4).find("within the tensor before it") !=
        std::string::npos);
  CHECK(refused(a + "," + entry("b", "U8", "[2]", 6, 8), 8) ==
        "'w': tensor 'b' begins at byte 6, but nothing holds those from 4");
  CHECK(refused(a, 6) == "'w': 2 bytes at the end belong to no tensor");
  CHECK(refused("", 1) == "'w': 1 bytes at the end belong to no tensor");
}

TEST_CASE("shapes must account for the bytes, also when they overflow") {
  CHECK(refused(entry("a", "F32", "[2,3]", 0, 20), 20) ==
        "'w': tensor 'a' has 20 bytes, which is not [2, 3] of F32");
  CHECK(refused(entry("a", "F32", "[]", 0, 8), 8) == "'w': tensor 'a' has 8 bytes, which is not [] of F32");
  CHECK(refused(entry("a", "U8", "[0]", 0, 1), 1) == "'w': tensor 'a' has 1 bytes, which is not [0] of U8");
  // 2^32 · 2^32 and 2^62 · 4 are 0 in 64 bits.
  CHECK(refused(entry("a", "U8", "[4294967296,4294967296]", 0, 0), 0).find("has 0 bytes, which") !=
        std::string::npos);
  CHECK(refused(entry("a", "F32", "[4611686018427387904]", 0, 0), 0).find("has 0 bytes, which") !=
        std::string::npos);
}

TEST_CASE("a sentence stays readable whatever the names are") {
  const std::string name(5000, 'n');
  const std::string sentence = refused(entry(name, "F32", "[1]", 0, 5), 5);
  CHECK(sentence.find("nnn' has 5 bytes, which is not [1] of F32") != std::string::npos);
}

TEST_CASE("opening passes on what the system says") {
  const files::directory here;
  const auto missing = safetensors::open(here.path("none"));
  REQUIRE_FALSE(missing);
  CHECK(missing.error().message.view().find("No such file or directory") != std::string_view::npos);
  const auto empty = safetensors::open(here.write("empty", ""));
  REQUIRE_FALSE(empty);
  CHECK(empty.error().message.view().find("too short for a safetensors file, it has 0 bytes") !=
        std::string_view::npos);
}

TEST_CASE("the LeNet-5 weights of the example have PyTorch's names and shapes") {
  const auto file = safetensors::open(IOP_SOURCE_DIR "/examples/lenet5/weights/fashion-mnist.safetensors");
  INFO(file.error().message.view());
  REQUIRE(file);
  const std::array<std::pair<std::string_view, dimensions>, 10> needed{{{"conv1.weight", {6, 1, 5, 5}},
                                                                        {"conv1.bias", {6}},
                                                                        {"conv2.weight", {16, 6, 5, 5}},
                                                                        {"conv2.bias", {16}},
                                                                        {"fc1.weight", {120, 400}},
                                                                        {"fc1.bias", {120}},
                                                                        {"fc2.weight", {84, 120}},
                                                                        {"fc2.bias", {84}},
                                                                        {"fc3.weight", {10, 84}},
                                                                        {"fc3.bias", {10}}}};
  CHECK(file->size() == needed.size());
  for (const auto& [name, shape] : needed) {
    const auto tensor = file->tensor(name, shape);
    INFO(tensor.error().message.view());
    REQUIRE(tensor);
    for (const float value : *tensor) REQUIRE((value > -10 && value < 10));  // false for NaN
  }
  CHECK(std::stod(std::string(file->metadata("test_accuracy"))) >= 0.90);
}
