# For the project's own programs only, never exported.
set(CMAKE_CXX_EXTENSIONS OFF)

# Warnings, sanitizers, this machine's CPU (not for targets with the property IOP_ANY_CPU). g++'s Debug builds keep -O1,
# since its kernels are unusably slow without; Clang's are quick enough, and take a tenth of the time to compile. The tests
# plan more while compiling than compilers allow one expression by default. g++ collects garbage from 2 GB on instead of
# 128 MB: a tenth to a fifth of its time, for 1.6 instead of 1.0 GB where a hundred executors are compiled.
add_library(iop_dev_flags INTERFACE)
target_compile_options(iop_dev_flags INTERFACE
  -Wall -Wextra -Wpedantic -Wconversion -Wshadow
  $<$<BOOL:${IOP_WARNINGS_AS_ERRORS}>:-Werror>
  $<$<AND:$<BOOL:${IOP_NATIVE}>,$<NOT:$<BOOL:$<TARGET_PROPERTY:IOP_ANY_CPU>>>>:-march=native>
  $<$<CXX_COMPILER_ID:GNU>:-fconstexpr-ops-limit=4000000000;--param=ggc-min-heapsize=2000000>
  $<$<CXX_COMPILER_ID:Clang,AppleClang>:-fconstexpr-steps=4000000000>
  $<$<AND:$<CONFIG:Debug>,$<CXX_COMPILER_ID:GNU>>:-O1>)
if(IOP_SANITIZE)
  # -g1: lines for the reports; -g would make compiling half as slow again.
  list(JOIN IOP_SANITIZE "," sanitizers)
  if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    # False alarms under sanitizers: in std::function, in tests that replace operator new to count allocations, and
    # about the fences in Asio, which guard nothing that a mutex does not guard as well.
    # Forward propagation: on the address sanitizer's checks of unrolled kernels g++ 12 spends minutes on it.
    target_compile_options(iop_dev_flags INTERFACE
      -Wno-maybe-uninitialized -Wno-mismatched-new-delete -Wno-tsan -fno-tree-forwprop)
  endif()
  set(sanitizers -fsanitize=${sanitizers} -fno-sanitize-recover=all -fno-omit-frame-pointer -g1)
  target_compile_options(iop_dev_flags INTERFACE ${sanitizers})
  target_link_options(iop_dev_flags INTERFACE ${sanitizers})
endif()

# iop_program(name SOURCES files... [LINK targets...]): one executable of this project.
function(iop_program name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "" "SOURCES;LINK")
  add_executable(${name} ${arg_SOURCES})
  target_link_libraries(${name} PRIVATE iop::iop ${arg_LINK} iop_dev_flags)
  target_compile_definitions(${name} PRIVATE IOP_SOURCE_DIR="${PROJECT_SOURCE_DIR}")
endfunction()
