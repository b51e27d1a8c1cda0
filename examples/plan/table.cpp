// SPDX-License-Identifier: MIT
#include "table.hpp"

#include "text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <vector>

namespace what_if {

namespace {

/// Rows of cells, printed with columns as wide as they must be. The first ones are aligned to the left.
class grid {
 public:
  explicit grid(std::size_t left = 1) : left_(left) {}

  void add(std::vector<std::string> row) { rows_.push_back(std::move(row)); }

  void print(std::FILE* to) const {
    std::vector<std::size_t> widths;
    for (const auto& row : rows_)
      for (std::size_t i = 0; i < row.size(); ++i) {
        if (i == widths.size()) widths.push_back(0);
        widths[i] = std::max(widths[i], glyphs(row[i]));
      }
    for (const auto& row : rows_) {
      std::string line;
      for (std::size_t i = 0; i < row.size(); ++i) {
        const std::string blank(widths[i] - glyphs(row[i]), ' ');
        line += (i == 0 ? "" : "  ") + (i < left_ ? row[i] + blank : blank + row[i]);
      }
      line.erase(line.find_last_not_of(' ') + 1);
      fmt::print(to, "{}\n", line);
    }
  }

 private:
  /// UTF-8 characters: bytes that do not continue one.
  static std::size_t glyphs(const std::string& s) {
    return static_cast<std::size_t>(std::count_if(
        s.begin(), s.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xc0) != 0x80; }));
  }

  std::size_t left_;
  std::vector<std::vector<std::string>> rows_{};
};

std::string heading(const network& n, const setup& s) {
  const std::size_t devices = s.cluster.size();
  return fmt::format("{} on {} device{}", n.name, devices, devices == 1 ? "" : "s");
}

/// What a rank computes of an operator: channels or rows from … to, both included and counted from 0.
std::string cut_text(iop::partition how, const iop::range& cut) {
  if (cut.empty()) return "-";
  const bool is_all = how == iop::partition::single || how == iop::partition::replicated;
  return is_all ? "all" : fmt::format("{}..{}", cut.begin, cut.end - 1);
}

std::string operator_text(const network& n, std::size_t number) {
  const iop::activation act = n.ops[number].act;
  const bool has_own_name = n.ops[number].what == iop::kind::elementwise || act == iop::activation::none;
  return has_own_name ? n.labels[number] : fmt::format("{}+{}", n.labels[number], name_of(act));
}

void add_segment(grid& table, const network& n, const segment& part) {
  std::vector<std::string> row{"compute", "", milliseconds(part.seconds)};
  for (const double busy : part.busy) row.push_back(milliseconds(busy));
  table.add(row);
  for (const operator_report& each : part.operators) {
    const bool by_winograd =
        std::any_of(each.ranks.begin(), each.ranks.end(), [](const share& r) { return r.by_winograd; });
    row = {"  " + operator_text(n, each.number),
           fmt::format("{}{}", name_of(each.how), by_winograd ? ", Winograd" : ""), ""};
    for (const share& r : each.ranks) row.push_back(cut_text(each.how, r.cut));
    table.add(row);
  }
}

/// `latest` is the operator before it, whose output moves unless the exchange says otherwise.
void add_exchange(grid& table, const network& n, const exchange& e, std::size_t latest) {
  std::string name(e.collective);
  if (e.tensor != latest) name += " of " + n.labels[e.tensor];
  if (e.rounds > 1) name += fmt::format(" ({} {}/{})", name_of(e.route), e.round, e.rounds);
  std::vector<std::string> row{
      name,
      fmt::format("{} message{}, {}", e.messages.size(), e.messages.size() == 1 ? "" : "s",
                  bytes_text(static_cast<double>(e.bytes()))),
      milliseconds(e.seconds)};
  for (const double busy : e.busy) row.push_back(milliseconds(busy));
  table.add(row);
}

void print_memory(std::FILE* to, const setup& s, const report& r) {
  grid table;
  table.add({"memory", "weights", "arena", "of it buffers", "together", "limit", ""});
  for (std::size_t rank = 0; rank < s.cluster.size(); ++rank) {
    const iop::planner::footprint& f = r.memory[rank];
    const std::size_t limit = s.cluster.devices[rank].memory.bytes;
    const auto text = [](std::size_t bytes) { return memory_text(static_cast<double>(bytes)); };
    table.add({std::string(s.cluster.devices[rank].name), text(f.weight_bytes), text(f.arena_bytes),
               text(f.buffer_bytes), text(f.bytes()), text(limit), f.bytes() > limit ? "too small" : ""});
  }
  table.print(to);
}

std::size_t largest_memory(const report& r) {
  std::size_t most = 0;
  for (const iop::planner::footprint& f : r.memory) most = std::max(most, f.bytes());
  return most;
}

}  // namespace

void print_plan(std::FILE* to, const network& n, const setup& s, const report& r) {
  fmt::print(to, "{}, policy {}\n\n", heading(n, s), name_of(r.policy));
  grid table(2);
  std::vector<std::string> row{"step", "partition", "ms"};
  for (const iop::device& d : s.cluster.devices) row.emplace_back(d.name);
  table.add(row);
  std::size_t latest = 0;
  for (const auto& step : r.steps) {
    if (const auto* part = std::get_if<segment>(&step)) {
      add_segment(table, n, *part);
      latest = part->operators.back().number;
    } else {
      add_exchange(table, n, std::get<exchange>(step), latest);
    }
  }
  table.print(to);
  const iop::planner::prediction& p = r.predicted;
  fmt::print(
      to,
      "Of each device: milliseconds it computes or exchanges; channels or rows it has of each operator.\n\n");
  fmt::print(to, "makespan {} ms = compute {} ms + exchange {} ms; {} exchanges, {} messages, {}\n\n",
             milliseconds(p.makespan_seconds), milliseconds(p.compute_seconds),
             milliseconds(p.exchange_seconds), p.exchanges, p.messages,
             bytes_text(static_cast<double>(p.bytes)));
  print_memory(to, s, r);
}

void print_comparison(std::FILE* to, const network& n, const setup& s, const std::vector<report>& reports) {
  fmt::print(to, "{}\n\n", heading(n, s));
  double best = 0;
  for (const report& r : reports)
    if (r.fits() && (best == 0 || r.predicted.makespan_seconds < best)) best = r.predicted.makespan_seconds;
  grid table;
  table.add({"policy", "makespan ms", "compute ms", "exchange ms", "exchanges", "messages", "traffic",
             "largest memory", "fits", "ratio"});
  for (const report& r : reports) {
    const iop::planner::prediction& p = r.predicted;
    table.add({std::string(name_of(r.policy)), milliseconds(p.makespan_seconds),
               milliseconds(p.compute_seconds), milliseconds(p.exchange_seconds),
               fmt::format("{}", p.exchanges), fmt::format("{}", p.messages),
               bytes_text(static_cast<double>(p.bytes)), memory_text(static_cast<double>(largest_memory(r))),
               r.fits() ? "yes" : "no", best > 0 ? fmt::format("{:.3f}", p.makespan_seconds / best) : "-"});
  }
  table.print(to);
  if (best > 0) fmt::print(to, "Ratio: to the least makespan that fits.\n");
}

}  // namespace what_if
