// SPDX-License-Identifier: MIT
// ONNX Runtime through its C interface. The npm package has the library but not the header: the interface is
// a table of functions, which by its contract only ever grows at the end, so the few that are needed are
// called by their place in it (order of the members of OrtApi, from 0).

#include "engine.hpp"

#include <dlfcn.h>

#include <cstdint>

namespace iop_bench {

namespace {

struct handle;  // each of the interface's opaque types
using status = handle*;

enum place : std::size_t {
  get_error_message = 2,
  create_env = 3,
  create_session = 7,
  run_session = 9,
  create_session_options = 10,
  set_graph_optimization_level = 23,
  set_intra_op_threads = 24,
  set_inter_op_threads = 25,
  create_tensor_with_data = 49,
  create_cpu_memory_info = 69,
};
constexpr std::uint32_t api_version = 1;  // the first has all of them
constexpr int log_errors_only = 3, optimize_all = 99, arena_allocator = 1, default_memory = 0, float32 = 1;

using function = void (*)();
struct api_base {
  const function* (*get_api)(std::uint32_t version);
  const char* (*get_version)();
};

class interface {
 public:
  explicit interface(const std::string& path) {
    void* const library = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
    if (library == nullptr) throw std::runtime_error(dlerror());
    const auto get_base = reinterpret_cast<const api_base* (*)()>(dlsym(library, "OrtGetApiBase"));
    if (get_base == nullptr) throw std::runtime_error(path + " has no OrtGetApiBase");
    table_ = get_base()->get_api(api_version);
    if (table_ == nullptr) throw std::runtime_error(path + " does not know its first interface");
  }

  /// Calls a function that returns a status, and throws what it says.
  template <class... Parameters>
  void operator()(place p, Parameters... parameters) const {
    const auto wanted = reinterpret_cast<status (*)(Parameters...)>(table_[p]);
    if (const status failed = wanted(parameters...))
      throw std::runtime_error(
          reinterpret_cast<const char* (*)(const handle*)>(table_[get_error_message])(failed));
  }

 private:
  const function* table_ = nullptr;
};

/// The process ends with the engine, so nothing is given back.
class onnxruntime final : public engine {
 public:
  explicit onnxruntime(const setup& s)
      : call_(s.library), image_(s.image), scores_(s.net.ops.back().out.size()) {
    handle *env = nullptr, *options = nullptr, *memory = nullptr;
    call_(create_env, log_errors_only, "bench", &env);
    call_(create_session_options, &options);
    call_(set_graph_optimization_level, options, optimize_all);
    call_(set_intra_op_threads, options, 1);
    call_(set_inter_op_threads, options, 1);
    call_(create_session, static_cast<const handle*>(env), s.model.c_str(),
          static_cast<const handle*>(options), &session_);
    call_(create_cpu_memory_info, arena_allocator, default_memory, &memory);
    const iop::shape& in = s.net.ops.front().out;
    const std::int64_t in_shape[] = {1, static_cast<std::int64_t>(in.channels),
                                     static_cast<std::int64_t>(in.height),
                                     static_cast<std::int64_t>(in.width)};
    const std::int64_t out_shape[] = {1, static_cast<std::int64_t>(scores_.size())};
    in_ = tensor(memory, image_, in_shape);
    out_ = tensor(memory, scores_, out_shape);
  }

  std::span<const float> run() override {
    const char* const in_name = "image";
    const char* const out_name = "scores";
    const handle* const in = in_;
    call_(run_session, session_, static_cast<const handle*>(nullptr), &in_name, &in, std::size_t{1},
          &out_name, std::size_t{1}, &out_);
    return scores_;
  }

 private:
  handle* tensor(const handle* memory, std::span<float> data, std::span<const std::int64_t> shape) const {
    handle* made = nullptr;
    call_(create_tensor_with_data, memory, static_cast<void*>(data.data()), data.size_bytes(), shape.data(),
          shape.size(), float32, &made);
    return made;
  }

  interface call_;
  std::vector<float> image_, scores_;
  handle *session_ = nullptr, *in_ = nullptr, *out_ = nullptr;
};

}  // namespace

std::unique_ptr<engine> make_engine(const setup& s) { return std::make_unique<onnxruntime>(s); }

}  // namespace iop_bench
