// SPDX-License-Identifier: MIT
#include "cluster_file.hpp"

#include "units.hpp"

#include <iop/file/names.hpp>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <array>
#include <fstream>
#include <ios>
#include <optional>
#include <set>
#include <stdexcept>
#include <string_view>
#include <vector>

namespace what_if {

namespace {

using json = nlohmann::json;

[[noreturn]] void refuse(const std::string& path, std::string_view reason) {
  throw std::runtime_error(fmt::format("{}: {}", path.empty() ? "the top level" : path, reason));
}

/// What the file says, for a sentence.
std::string in_quotes(std::string_view words) { return fmt::format("'{}'", iop::file::shown(words).view()); }

/// A JSON value and where it stands.
class place {
 public:
  place(const json& value, std::string path) : value_(value), path_(std::move(path)) {}

  const std::string& path() const { return path_; }
  [[noreturn]] void fail(std::string_view reason) const { refuse(path_, reason); }
  [[noreturn]] void expected(std::string_view what) const {
    fail(fmt::format("must be {}, but is {}.", what, value_.type_name()));
  }

  /// Checks that it is an object with no keys but these.
  void allow(std::initializer_list<std::string_view> keys) const {
    if (!value_.is_object()) expected("an object");
    for (const auto& [key, ignored] : value_.items())
      if (std::find(keys.begin(), keys.end(), key) == keys.end())
        refuse(below(key), fmt::format("is not known here: the keys are {}.", fmt::join(keys, ", ")));
  }

  std::optional<place> find(std::string_view key) const {
    const auto found = value_.find(std::string(key));
    if (found == value_.end()) return std::nullopt;
    return place(*found, below(key));
  }
  place at(std::string_view key) const {
    if (const auto found = find(key)) return *found;
    refuse(below(key), "is missing.");
  }

  std::vector<place> elements() const {
    if (!value_.is_array()) expected("an array");
    std::vector<place> all;
    for (std::size_t i = 0; i < value_.size(); ++i)
      all.emplace_back(value_[i], fmt::format("{}[{}]", path_, i));
    return all;
  }

  std::string text() const {
    if (!value_.is_string()) expected("a string");
    return value_.get<std::string>();
  }
  bool boolean() const {
    if (!value_.is_boolean()) expected("true or false");
    return value_.get<bool>();
  }
  bool is_text() const { return value_.is_string(); }

  std::size_t whole_number(std::size_t least, std::size_t most) const {
    const auto what = fmt::format("a whole number from {} to {}", least, most);
    if (!value_.is_number()) expected(what);
    // A negative number is a large unsigned one.
    const auto number = value_.is_number_integer() ? value_.get<std::size_t>() : most + 1;
    if (number < least || number > most) fail(fmt::format("must be {}, but is {}.", what, value_.dump()));
    return number;
  }

  /// Text or a number in basic units, read by one of the functions of units.hpp.
  template <class Parse>
  auto quantity(Parse&& parse) const {
    if (!value_.is_string() && !value_.is_number())
      expected("a number or a string such as on the command line");
    try {
      return parse(value_.is_string() ? value_.get<std::string>() : value_.dump());
    } catch (const std::invalid_argument& reason) {
      fail(reason.what());
    }
  }

 private:
  std::string below(std::string_view key) const {
    const std::string name = key.empty() ? in_quotes(key) : std::string(iop::file::shown(key).view());
    return path_.empty() ? name : fmt::format("{}.{}", path_, name);
  }

  const json& value_;
  std::string path_;
};

void read_device(const place& here, setup& into) {
  here.allow({"name", "flops", "memory_bandwidth", "memory", "channel_step", "winograd_flops",
              "depthwise_flops", "narrow_flops", "skips_padding"});
  const place named = here.at("name");
  const std::string name = named.text();
  // Names stand in tables and sentences.
  if (name.empty() || name.size() > 40 || iop::file::printable(name) != name)
    named.fail("must be 1 to 40 bytes of text without control characters.");
  for (std::size_t rank = 0; rank < into.cluster.size(); ++rank)
    if (into.cluster.devices[rank].name == name)
      named.fail(fmt::format("is {}, as devices[{}] is already: give each device its own name.",
                             in_quotes(name), rank));
  iop::device d;
  d.compute = here.at("flops").quantity(parse_compute_rate);
  d.memory_bandwidth = here.at("memory_bandwidth").quantity(parse_memory_bandwidth);
  d.memory = here.at("memory").quantity(parse_byte_count);
  if (const auto step = here.find("channel_step")) d.channel_step = step->whole_number(1, 65536);
  const auto read_rate = [&](std::string_view key, iop::compute_rate& rate) {
    if (const auto given = here.find(key)) rate = given->quantity(parse_compute_rate);
  };
  read_rate("winograd_flops", d.winograd);
  read_rate("depthwise_flops", d.depthwise);
  read_rate("narrow_flops", d.narrow);
  if (const auto skips = here.find("skips_padding")) d.skips_padding = skips->boolean();
  into.add(d, name);
}

/// A device by name or by rank.
std::size_t rank_of(const place& here, const any_cluster& c) {
  if (!here.is_text()) return here.whole_number(0, c.size() - 1);
  const std::string name = here.text();
  for (std::size_t rank = 0; rank < c.size(); ++rank)
    if (c.devices[rank].name == name) return rank;
  here.fail(fmt::format("is {}, but no device has this name.", in_quotes(name)));
}

void read_link(const place& here, any_cluster& c) {
  here.allow({"bandwidth", "message_time", "shared_medium"});
  iop::link joint{here.at("bandwidth").quantity(parse_link_bandwidth),
                  here.at("message_time").quantity(parse_duration), false};
  if (const auto shared = here.find("shared_medium")) joint.shared_medium = shared->boolean();
  c.connect_all(joint);
}

/// `joined`: the pairs of ranks that have a link of their own.
void read_single_link(const place& here, any_cluster& c, bool has_common,
                      std::set<std::pair<std::size_t, std::size_t>>& joined) {
  here.allow({"between", "bandwidth", "message_time"});
  const place between = here.at("between");
  const auto two = between.elements();
  if (two.size() != 2) between.fail(fmt::format("must name two devices, but has {} elements.", two.size()));
  const std::size_t a = rank_of(two[0], c), b = rank_of(two[1], c);
  if (a == b) between.fail("must name two devices, but names one twice.");
  if (!joined.insert(std::minmax(a, b)).second)
    between.fail(fmt::format("names {} and {}, which have a link already.", in_quotes(c.devices[a].name),
                             in_quotes(c.devices[b].name)));
  iop::link joint = c.between(a, b);
  const auto bandwidth = here.find("bandwidth"), message_time = here.find("message_time");
  if (bandwidth && c.shared_medium())
    bandwidth->fail("cannot differ on a shared medium: give link.bandwidth only.");
  if (bandwidth || !has_common) joint.bandwidth = here.at("bandwidth").quantity(parse_link_bandwidth);
  if (message_time || !has_common) joint.message = here.at("message_time").quantity(parse_duration);
  c = c.with_link(a, b, joint);
}

/// A parser's callback that refuses an object which says a key twice: the library would take the last.
class unique_keys {
 public:
  bool operator()(int, json::parse_event_t event, const json& parsed) {
    if (event == json::parse_event_t::object_start) open_.emplace_back();
    if (event == json::parse_event_t::object_end) open_.pop_back();
    if (event == json::parse_event_t::key && !open_.back().insert(parsed.get<std::string>()).second)
      throw std::runtime_error(
          fmt::format("an object has the key {} twice.", in_quotes(parsed.get_ref<const std::string&>())));
    return true;
  }

 private:
  std::vector<std::set<std::string>> open_{};
};

/// The library's words without the number of the error in front, and without most of a long text in it.
std::string in_short(std::string_view what) {
  constexpr std::size_t most = 200;
  what.remove_prefix(what.find("] ") + 2);
  const std::string_view mark = "last read: ";
  const std::size_t begin = what.find(mark);
  if (begin != what.npos)
    return fmt::format("{}{}", what.substr(0, begin + mark.size()),
                       iop::file::shown(what.substr(begin + mark.size())).view());
  return iop::file::printable(what.substr(0, most)) + (what.size() > most ? "..." : "");
}

setup from_json(const json& all) {
  const place root(all, "");
  root.allow({"devices", "link", "links", "input_rank", "output_rank"});
  setup made;
  const place devices = root.at("devices");
  const auto each_device = devices.elements();
  if (each_device.empty() || each_device.size() > most_devices)
    devices.fail(fmt::format("must be 1 to {} devices, but are {}.", most_devices, each_device.size()));
  for (const place& each : each_device) read_device(each, made);
  const auto common = root.find("link");
  if (common) read_link(*common, made.cluster);
  std::set<std::pair<std::size_t, std::size_t>> joined;
  if (const auto links = root.find("links"))
    for (const place& each : links->elements())
      read_single_link(each, made.cluster, common.has_value(), joined);
  const std::size_t last = made.cluster.size() - 1;
  if (const auto rank = root.find("input_rank")) made.ends.input_rank = rank->whole_number(0, last);
  if (const auto rank = root.find("output_rank")) made.ends.output_rank = rank->whole_number(0, last);
  return made;
}

/// A cluster takes a few thousand bytes; what is much larger is another file.
constexpr std::size_t most_file_bytes = std::size_t{64} << 10;

std::string content_of(std::istream& stream) {
  stream.exceptions(std::ios::badbit);
  std::string content(most_file_bytes + 1, '\0');
  stream.read(content.data(), static_cast<std::streamsize>(content.size()));
  content.resize(static_cast<std::size_t>(stream.gcount()));
  if (content.size() > most_file_bytes)
    throw std::runtime_error(
        fmt::format("is larger than the {} bytes that a cluster may take.", most_file_bytes));
  if (content.find('\0') != content.npos) throw std::runtime_error("is not JSON: it holds a byte that is 0.");
  return content;
}

}  // namespace

setup read_cluster(const std::string& file) {
  const auto shown = iop::file::shown(file);
  std::ifstream stream(file);
  if (!stream) throw std::runtime_error(fmt::format("{}: cannot be opened.", shown.view()));
  try {
    return from_json(json::parse(content_of(stream), unique_keys{}));
  } catch (const std::ios_base::failure& reason) {
    throw std::runtime_error(fmt::format("{}: cannot be read: {}.", shown.view(), reason.code().message()));
  } catch (const json::exception& reason) {
    throw std::runtime_error(fmt::format("{}: is not JSON: {}", shown.view(), in_short(reason.what())));
  } catch (const std::runtime_error& reason) {
    throw std::runtime_error(fmt::format("{}: {}", shown.view(), reason.what()));
  }
}

}  // namespace what_if
