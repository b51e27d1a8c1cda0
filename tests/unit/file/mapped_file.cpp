// SPDX-License-Identifier: MIT
#include <iop/file/mapped_file.hpp>

#include "catch.hpp"
#include "files.hpp"

#include <sys/stat.h>

#include <fstream>
#include <numeric>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

using iop::file::mapped_file;

static_assert(std::is_nothrow_move_constructible_v<mapped_file> &&
              !std::is_copy_constructible_v<mapped_file>);

namespace {
std::string_view text_of(const mapped_file& file) {
  return {reinterpret_cast<const char*>(file.bytes().data()), file.bytes().size()};
}
std::string open_error(const std::string& path) {
  const auto file = mapped_file::open(path);
  REQUIRE_FALSE(file);
  CHECK(file.error().code == iop::errc::bad_file);
  return std::string(file.error().message.view());
}
}  // namespace

TEST_CASE("a mapped file shows its bytes, wherever the object moves") {
  const files::directory here;
  auto file = mapped_file::open(here.write("five", "12345"));
  REQUIRE(file);
  CHECK(text_of(*file) == "12345");

  const auto* const address = file->bytes().data();
  mapped_file moved = std::move(*file);
  CHECK(moved.bytes().data() == address);
  CHECK(file->bytes().empty());

  auto other = mapped_file::open(here.write("two", "ab"));
  REQUIRE(other);
  moved = std::move(*other);
  CHECK(text_of(moved) == "ab");
}

namespace {
/// Memory of this process that holds pages of files.
std::size_t resident_file_bytes() {
  std::ifstream status("/proc/self/status");
  for (std::string word; status >> word;)
    if (std::size_t kib = 0; word == "RssFile:" && status >> kib) return kib * 1024;
  return 0;
}
}  // namespace

TEST_CASE("released pages leave the memory and come back when read") {
  constexpr std::size_t size = 8u << 20;
  const files::directory here;
  const auto file = mapped_file::open(here.write("large", std::string(size, 'x')));
  REQUIRE(file);
  const auto sum = [&] {
    return std::accumulate(text_of(*file).begin(), text_of(*file).end(), std::size_t{0});
  };
  REQUIRE(sum() == size * 'x');
  const std::size_t before = resident_file_bytes();
  REQUIRE(before >= size);
  file->release(file->bytes().subspan(1, size - 2));
  CHECK(resident_file_bytes() <= before - size + (1u << 20));
  CHECK(sum() == size * 'x');
}

TEST_CASE("only a file's own bytes are released") {
  const files::directory here;
  const auto file = mapped_file::open(here.write("five", "12345"));
  const auto empty = mapped_file::open(here.write("empty", ""));
  REQUIRE(file);
  REQUIRE(empty);
  std::vector<std::byte> other(3u << 20, std::byte{7});  // whole pages of it would be zero afterwards
  file->release(other);
  empty->release(other);
  file->release({});
  CHECK(other == std::vector<std::byte>(other.size(), std::byte{7}));
}

TEST_CASE("an empty file has no bytes") {
  const files::directory here;
  const auto file = mapped_file::open(here.write("empty", ""));
  REQUIRE(file);
  CHECK(file->bytes().empty());
}

TEST_CASE("a file that cannot be mapped is an error that says why") {
  const files::directory here;
  CHECK(open_error(here.path("none")) ==
        "cannot open '" + here.path("none") + "': No such file or directory");
  CHECK(open_error(here.path("")).find("is a directory") != std::string::npos);
  CHECK(open_error("/dev/null") == "'/dev/null' is not a regular file");
  REQUIRE(::mkfifo(here.path("pipe").c_str(), 0600) == 0);
  CHECK(open_error(here.path("pipe")).find("is not a regular file") != std::string::npos);
}
