// SPDX-License-Identifier: MIT
#include <iop/file/safetensors_header.hpp>

#include "catch.hpp"
#include "files.hpp"

#include <iop/file/safetensors.hpp>

#include <array>
#include <string>
#include <string_view>
#include <utility>

namespace {

/// The sentence by which a file with this header is refused.
std::string refused(std::string_view header, std::string_view data = "") {
  const std::string bytes = files::safetensors(header, data);
  const auto parsed = iop::file::safetensors::parse(files::bytes_of(bytes), "w");
  INFO(header);
  REQUIRE_FALSE(parsed);
  CHECK(parsed.error().code == iop::errc::bad_file);
  return std::string(parsed.error().message.view());
}

/// The same for a file of one tensor `a` that is described by `entries`.
std::string tensor_refused(const std::string& entries) {
  return refused(R"({"a":{)" + entries + "}}", "12345678");
}

}  // namespace

TEST_CASE("the header must be a JSON object in UTF-8") {
  CHECK(refused("") == "'w': the header must begin with '{'");
  CHECK(refused("[]") == "'w': the header must begin with '{'");
  CHECK(refused("  {}") == "'w': the header must begin with '{'");
  CHECK(refused("\xef\xbb\xbf{}") == "'w': the header must begin with '{'");
  CHECK(refused("{").find("the header is not JSON in UTF-8: stopped at its byte ") != std::string::npos);
  CHECK(refused("{} {}").find("not JSON in UTF-8") != std::string::npos);
  CHECK(refused("{}x").find("not JSON in UTF-8") != std::string::npos);
  CHECK(refused("{'a':1}").find("not JSON in UTF-8: stopped at its byte 2") != std::string::npos);
  CHECK(refused("{\"\xc3\x28\":{}}").find("not JSON in UTF-8") != std::string::npos);
  CHECK(refused("{\"\\ud800\":{}}").find("not JSON in UTF-8") != std::string::npos);
  CHECK(refused("{/* comment */}").find("not JSON in UTF-8") != std::string::npos);
}

TEST_CASE("a zero byte does not hide the rest of the header") {
  CHECK(refused(std::string_view("{}\0{}", 5)) == "'w': the header has a zero byte at 2");
}

TEST_CASE("values of the wrong type are named with what is needed") {
  const std::array<std::pair<std::string_view, std::string_view>, 8> values{{{"1", "a number"},
                                                                             {"-1", "a negative number"},
                                                                             {"1.5", "a fraction"},
                                                                             {"\"1\"", "a text"},
                                                                             {"null", "null"},
                                                                             {"true", "true or false"},
                                                                             {"[]", "a list"},
                                                                             {"{}", "an object"}}};
  const auto says = [](const std::string& sentence, std::string_view begin, std::string_view got) {
    INFO(sentence);
    CHECK(sentence.starts_with(std::string("'w': ").append(begin)));
    CHECK(sentence.find(got) != std::string::npos);
  };
  for (const auto& [json, got] : values) {
    const std::string value(json);
    if (value != "{}")
      says(refused(R"({"a":)" + value + "}"), "'a' must be an object with dtype, shape and data_off", got);
    if (value != "\"1\"") {
      says(refused(R"({"__metadata__":{"k":)" + value + "}}"), "__metadata__ must hold texts, 'k' is", got);
      says(tensor_refused(R"("dtype":)" + value), "the dtype of tensor 'a' must be a text, not", got);
    }
    if (value != "[]") {
      says(tensor_refused(R"("shape":)" + value),
           "the shape of tensor 'a' must be a list of whole numbers, not", got);
      says(tensor_refused(R"("data_offsets":)" + value), "the data_offsets of tensor 'a' must be a list",
           got);
    }
    if (value != "1") {
      says(tensor_refused(R"("shape":[)" + value + "]"), "the shape of tensor 'a' must be whole numbers, not",
           got);
      says(tensor_refused(R"("data_offsets":[0,)" + value + "]"),
           "the data_offsets of tensor 'a' must be whole n", got);
    }
  }
}

TEST_CASE("a tensor has dtype, shape and data_offsets, once each, and nothing else") {
  CHECK(tensor_refused(R"("shape":[2],"data_offsets":[0,8])") == "'w': tensor 'a' has no dtype");
  CHECK(tensor_refused(R"("dtype":"F32","data_offsets":[0,8])") == "'w': tensor 'a' has no shape");
  CHECK(tensor_refused(R"("dtype":"F32","shape":[2])") == "'w': tensor 'a' has no data_offsets");
  CHECK(tensor_refused(R"("dtype":"F32","dtype":"F32")") == "'w': tensor 'a' has its dtype twice");
  CHECK(tensor_refused(R"("offset":3)") == "'w': tensor 'a' has an unknown entry 'offset'");
  CHECK(tensor_refused(R"("dtype":"float32")") == "'w': tensor 'a' has the unknown dtype 'float32'");
  CHECK(tensor_refused(R"("data_offsets":[8])") == "'w': the data_offsets of tensor 'a' must be two numbers");
  CHECK(tensor_refused(R"("data_offsets":[0,8,8])") ==
        "'w': the data_offsets of tensor 'a' has more than 2 numbers");
  CHECK(tensor_refused(R"("shape":[1,1,1,1,1,1,1,1,1])") ==
        "'w': the shape of tensor 'a' has more than 8 numbers");
}

TEST_CASE("numbers beyond 64 bits are refused, not rounded") {
  CHECK(tensor_refused(R"("shape":[18446744073709551616])").find("beyond 64 bits") != std::string::npos);
  CHECK(tensor_refused(R"("shape":[1e3])").find("a fraction or a number beyond 64 bits") !=
        std::string::npos);
  CHECK(tensor_refused(R"("shape":[1e999])").find("not JSON") != std::string::npos);
}

TEST_CASE("keys that appear twice are refused") {
  const std::string a = R"("a":{"dtype":"U8","shape":[0],"data_offsets":[0,0]})";
  CHECK(refused("{" + a + "," + a + "}") == "'w': tensor 'a' appears twice");
  CHECK(refused("{" + a + R"(,"\u0061")" + a.substr(3) + "}") == "'w': tensor 'a' appears twice");
  CHECK(refused(R"({"__metadata__":{"k":"1","k":"2"}})") == "'w': 'k' appears twice in __metadata__");
}

TEST_CASE("deep nesting is refused at once") {
  const std::string deep(1'000'000, '[');
  CHECK(refused(R"({"a":)" + deep).find("not a list") != std::string::npos);
  CHECK(tensor_refused(R"("shape":)" + deep).find("must be whole numbers, not a list") != std::string::npos);
  std::string objects;
  for (int i = 0; i < 100'000; ++i) objects += R"({"a":)";
  CHECK(refused(objects).find("has an unknown entry 'a'") != std::string::npos);
}
