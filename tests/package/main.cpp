// SPDX-License-Identifier: MIT
#include <iop/core/range.hpp>

int main() {
  constexpr iop::range common = iop::intersect({0, 4}, {2, 6});
  return common == iop::range{2, 4} ? 0 : 1;
}
