# iop_dispatch(target)
# For hosts whose CPU is not known when the program is built. <target> stays as it is, which is usually for any x86-64;
# beside it come <target>.x86-64-v3 (AVX2) and <target>.x86-64-v4 (AVX-512): the same program, compiled for those. When
# <target> is started, it becomes the best of them that is there and that this CPU runs (dispatch.cpp).
#
# Whole programs, not some functions of one: of an inline function that several sources include, from whatever library, the
# linker keeps one copy. If one source was compiled for AVX-512, that may be the copy that every CPU then gets. For the
# same reason sources that include iop belong to <target> itself, not to a library that it links.
#
# Call it last, since it copies what is known about the target, and where the target is defined. Install all three. On
# anything but Linux on x86-64 it does nothing.
function(iop_dispatch target)
  if(NOT CMAKE_SYSTEM_NAME STREQUAL "Linux" OR NOT CMAKE_SYSTEM_PROCESSOR MATCHES "^(x86_64|AMD64)$"
     OR NOT CMAKE_SIZEOF_VOID_P EQUAL 8)
    return()
  endif()
  foreach(level x86-64-v3 x86-64-v4)
    add_executable(${target}.${level})
    foreach(property SOURCES INCLUDE_DIRECTORIES COMPILE_DEFINITIONS COMPILE_OPTIONS COMPILE_FEATURES LINK_LIBRARIES
            LINK_OPTIONS LINK_DIRECTORIES CXX_STANDARD CXX_EXTENSIONS INTERPROCEDURAL_OPTIMIZATION EXCLUDE_FROM_ALL
            RUNTIME_OUTPUT_DIRECTORY)
      get_target_property(value ${target} ${property})
      if(NOT value MATCHES "-NOTFOUND$")
        set_property(TARGET ${target}.${level} PROPERTY ${property} "${value}")
      endif()
    endforeach()
    set_property(TARGET ${target}.${level} PROPERTY OUTPUT_NAME $<TARGET_FILE_NAME:${target}>.${level})
    target_compile_options(${target}.${level} PRIVATE -march=${level})
    add_dependencies(${target} ${target}.${level})
  endforeach()
  target_sources(${target} PRIVATE ${CMAKE_CURRENT_FUNCTION_LIST_DIR}/dispatch.cpp)
endfunction()
