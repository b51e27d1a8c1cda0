// SPDX-License-Identifier: MIT

// libFuzzer: any bytes are either refused with a sentence or are tensors that lie in the input, cover its
// data and can be read to the last byte. Run: fuzz_safetensors -max_total_time=60 -dict=dictionary
// -close_fd_mask=1 corpus/safetensors

#include <iop/file/safetensors.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <span>
#include <string_view>

namespace {

void require(bool condition) {
  if (!condition) std::abort();
}

/// Reads every byte; the sum must be used, or the compiler leaves the reading out.
std::uint32_t sum(std::span<const std::byte> bytes) {
  std::uint32_t total = 0;
  for (const std::byte byte : bytes) total += std::to_integer<std::uint32_t>(byte);
  return total;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto bytes = std::as_bytes(std::span(data, size));
  const auto file = iop::file::safetensors::parse(bytes, "fuzz.safetensors");
  if (!file) {
    require(file.error().code == iop::errc::bad_file && !file.error().message.empty());
    return 0;
  }

  std::uint64_t header_bytes = 0;
  std::memcpy(&header_bytes, data, sizeof header_bytes);
  std::size_t tensor_bytes = 0;
  std::uint32_t byte_sum = 0;
  for (const auto& stored : file->tensors()) {
    tensor_bytes += stored.bytes.size();
    byte_sum += sum(stored.bytes);
    require(file->find(stored.name) == &stored);
    const auto values = file->tensor(stored.name, stored.dimensions());
    if (values) {
      require(values->size_bytes() == stored.bytes.size());
      require(sum(std::as_bytes(*values)) == sum(stored.bytes));
    } else {
      require(values.error().code == iop::errc::bad_tensor && !values.error().message.empty());
    }
  }
  const auto tail = bytes.subspan(sizeof header_bytes + static_cast<std::size_t>(header_bytes));
  require(tensor_bytes == tail.size() && byte_sum == sum(tail));

  const std::array<std::string_view, 1> used{"conv1.weight"};
  const bool only_used = !file->check_only(used);
  require(only_used == (file->size() == (file->find(used[0]) != nullptr ? 1u : 0u)));
  const std::array<std::size_t, 4> shape{6, 1, 5, 5};
  static_cast<void>(file->tensor(used[0], shape));
  return 0;
}
