# cmake -D consumer= -D source= -D build= -D work= -D compiler= -D generator= -P run.cmake
function(run)
  execute_process(COMMAND ${ARGV} COMMAND_ERROR_IS_FATAL ANY)
endfunction()

file(REMOVE_RECURSE ${work})
if(consumer STREQUAL "find_package")
  run(${CMAKE_COMMAND} --install ${build} --prefix ${work}/prefix OUTPUT_QUIET)
  file(GLOB_RECURSE written RELATIVE ${source}/include ${source}/include/*.hpp)
  file(GLOB_RECURSE installed RELATIVE ${work}/prefix/include ${work}/prefix/include/*.hpp)
  if(NOT written STREQUAL installed)
    message(FATAL_ERROR "installed headers: ${installed}\nheaders of the library: ${written}")
  endif()
endif()
run(${CMAKE_COMMAND} -S ${source}/tests/package/${consumer} -B ${work}/build -G ${generator}
  -D CMAKE_CXX_COMPILER=${compiler} -D CMAKE_PREFIX_PATH=${work}/prefix -D IOP_SOURCE_DIR=${source})
run(${CMAKE_COMMAND} --build ${work}/build)
run(${work}/build/consumer)
