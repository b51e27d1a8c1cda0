add_executable(consumer ../main.cpp)
target_link_libraries(consumer PRIVATE iop::iop iop::asio iop::file)
iop_dispatch(consumer)

# Nothing of the project's own flags reaches a user.
foreach(target iop::iop iop::asio iop::file)
  get_target_property(options ${target} INTERFACE_COMPILE_OPTIONS)
  if(options)
    message(FATAL_ERROR "${target} imposes the options ${options}")
  endif()
endforeach()
