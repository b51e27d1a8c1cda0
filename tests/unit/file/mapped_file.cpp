// SPDX-License-Identifier: MIT
#include <iop/file/mapped_file.hpp>

#include "catch.hpp"
#include "files.hpp"

#include <sys/stat.h>

#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

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
