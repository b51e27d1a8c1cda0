// SPDX-License-Identifier: MIT
#include <iop/file/huge_pages.hpp>

#include <array>
#include <cstdint>
#include <stdexcept>

#include "catch.hpp"

namespace {

/// Three huge pages and a bit.
struct large {
  large(int& alive, bool fails) : alive_(alive) {
    if (fails) throw std::runtime_error("no");
    ++alive_;
    bytes.fill(1);
  }
  ~large() { --alive_; }
  large(const large&) = delete;
  large& operator=(const large&) = delete;

  std::array<unsigned char, 3 * iop::file::huge_page_bytes + 12345> bytes;

 private:
  int& alive_;
};

}  // namespace

TEST_CASE("an object on huge pages lives as any other", "[file][huge_pages]") {
  int alive = 0;
  {
    const auto object = iop::file::make_on_huge_pages<large>(alive, false);
    CHECK(alive == 1);
    CHECK(reinterpret_cast<std::uintptr_t>(object.get()) % iop::file::huge_page_bytes == 0);
    CHECK(object->bytes.front() + object->bytes.back() == 2);
    const auto small = iop::file::make_on_huge_pages<int>(7);
    CHECK(*small == 7);
  }
  CHECK(alive == 0);
  CHECK_THROWS_AS(iop::file::make_on_huge_pages<large>(alive, true), std::runtime_error);  // nothing leaks
  CHECK(alive == 0);
}

TEST_CASE("numbers on huge pages", "[file][huge_pages]") {
  const iop::file::huge_page_floats many(iop::file::huge_page_bytes / sizeof(float) + 1);
  CHECK(many.all().size() == iop::file::huge_page_bytes / sizeof(float) + 1);
  CHECK(reinterpret_cast<std::uintptr_t>(many.all().data()) % iop::file::huge_page_bytes == 0);
  many.all().front() = many.all().back() = 3;
  CHECK(many.all().front() + many.all().back() == 6);
  CHECK(iop::file::huge_page_floats(0).all().empty());
}
