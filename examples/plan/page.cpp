// SPDX-License-Identifier: MIT
#include "page.hpp"

#include "json.hpp"
#include "page_template.hpp"

#include <string_view>

namespace what_if {

std::string to_page(const network& n, const setup& s, const std::vector<report>& reports) {
  std::string numbers = to_json(n, s, reports).dump();
  // Inside a script "</script>" and "<!--" would end or confuse it; in JSON "<" stands only inside strings.
  for (std::size_t at = 0; (at = numbers.find('<', at)) != std::string::npos;)
    numbers.replace(at, 1, "\\u003c");
  std::string page(page_template);
  constexpr std::string_view mark = "{{numbers}}";
  return page.replace(page.find(mark), mark.size(), numbers);
}

}  // namespace what_if
