// SPDX-License-Identifier: MIT
// Writes seeded random weights of a network as safetensors, with the names that the executor asks for: the
// same numbers on every machine.

#include "support/random_weights.hpp"
#include "support/zoo.hpp"

#include <fmt/core.h>
#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include <exception>
#include <fstream>
#include <stdexcept>

namespace iop_bench {

namespace {

struct tensor {
  std::string name{};
  std::vector<std::size_t> shape{};

  std::size_t size() const {
    std::size_t count = 1;
    for (const std::size_t extent : shape) count *= extent;
    return count;
  }
};

std::vector<tensor> tensors_of(const network& net) {
  std::vector<tensor> all;
  for (std::size_t i = 0; i < net.ops.size(); ++i) {
    const iop::op& o = net.ops[i];
    if (!iop::is_weighted(o)) continue;
    const std::string name(net.names[i].view()), norm(net.norm_names[i].view());
    const std::size_t outs = o.out.channels, ins = iop::channels_read(o);
    if (o.what == iop::kind::dense)
      all.push_back({name + ".weight", {outs, ins * iop::kernel_area(o)}});
    else
      all.push_back({name + ".weight", {outs, ins, o.win.kernel_height, o.win.kernel_width}});
    if (o.bias && !o.bias_from_norm) all.push_back({name + ".bias", {outs}});
    if (o.norm)
      for (const char* part : {".weight", ".bias", ".running_mean", ".running_var"})
        all.push_back({norm + part, {outs}});
  }
  return all;
}

void write(const network& net, const std::string& path) {
  const std::vector<tensor> all = tensors_of(net);
  nlohmann::json header;
  std::size_t end = 0;
  for (const tensor& t : all) {
    const std::size_t begin = end;
    end += t.size() * sizeof(float);
    header[t.name] = {{"dtype", "F32"}, {"shape", t.shape}, {"data_offsets", {begin, end}}};
  }
  std::string text = header.dump();
  constexpr std::size_t line = 64, before = sizeof(std::uint64_t);
  text.resize((before + text.size() + line - 1) / line * line - before,
              ' ');  // so that the data lies aligned
  const std::uint64_t length = text.size();

  std::ofstream file(path, std::ios::binary);
  file.exceptions(std::ios::badbit | std::ios::failbit);
  file.write(reinterpret_cast<const char*>(&length), sizeof length);
  file.write(text.data(), static_cast<std::streamsize>(text.size()));
  for (const tensor& t : all) {
    const iop_test::random_weights source;  // of one tensor at a time, since it keeps what it made
    const auto values = *source.tensor(t.name, t.shape);
    file.write(reinterpret_cast<const char*>(values.data()),
               static_cast<std::streamsize>(values.size_bytes()));
  }
}

}  // namespace

}  // namespace iop_bench

int main(int argc, char** argv) {
  std::string name, path;
  CLI::App app("Writes seeded random weights of a network as safetensors.");
  app.add_option("network", name)->required();
  app.add_option("file", path)->required();
  CLI11_PARSE(app, argc, argv);
  try {
    iop_bench::write(iop_bench::find_network(name), path);
  } catch (const std::exception& e) {
    fmt::print(stderr, "{}: {}\n", path, e.what());
    return 1;
  }
}
