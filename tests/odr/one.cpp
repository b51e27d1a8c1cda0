// SPDX-License-Identifier: MIT
#include "every_header.hpp"

const void* address_in_two();

// Both units see one and the same inline function.
int main() {
  constexpr auto name = static_cast<std::string_view (*)(iop::activation)>(iop::name_of);
  return reinterpret_cast<const void*>(name) == address_in_two() ? 0 : 1;
}
