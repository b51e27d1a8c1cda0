// SPDX-License-Identifier: MIT
#include "every_header.hpp"

const void* address_in_two() {
  return reinterpret_cast<const void*>(static_cast<std::string_view (*)(iop::activation)>(iop::name_of));
}
