// SPDX-License-Identifier: MIT
// A part of every program that iop_dispatch (dispatch.cmake) was called for. Before anything else the program
// becomes the one beside it that was compiled for the best instruction set of this CPU, app.x86-64-v4 or
// app.x86-64-v3; arguments, environment, open files and process id stay. Where there is none that this CPU
// runs, it goes on as what it is.
//
// The compiler's run time is asked what the CPU has, not xsimd: compilers use more of a level than its
// vectors (FMA, BMI), and xsimd 8.1 does not ask whether the operating system saves the registers.

#include <sys/auxv.h>
#include <unistd.h>

#include <climits>
#include <cstring>

namespace {

#if defined(__GLIBC__)  // which passes main's arguments to constructors, too; elsewhere nothing happens

bool has_v3() {
  return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && __builtin_cpu_supports("bmi") &&
         __builtin_cpu_supports("bmi2");
}

bool has_v4() {
  return has_v3() && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
         __builtin_cpu_supports("avx512cd") && __builtin_cpu_supports("avx512dq") &&
         __builtin_cpu_supports("avx512vl");
}

/// Returns if there is no such program.
void become(const char* level, char** arguments) {
  char path[PATH_MAX + 16];
  const ssize_t length = readlink("/proc/self/exe", path, PATH_MAX);
  if (length <= 0 || length == PATH_MAX) return;
  std::strcpy(path + length, level);
  execv(path, arguments);
}

/// Before the constructors of the program's own objects.
[[gnu::constructor(101)]] void dispatch(int, char** arguments, char**) {
  if (getauxval(AT_SECURE)) return;  // who has more rights than its caller trusts no file beside it
  __builtin_cpu_init();
  if (has_v4()) become(".x86-64-v4", arguments);
  if (has_v3()) become(".x86-64-v3", arguments);
}

#endif

}  // namespace
