# Installs headers and the package: find_package(iop) gives iop::iop and iop::asio, and iop::file where
# nlohmann_json and ZLIB are found (COMPONENTS file makes that a condition).
include(CMakePackageConfigHelpers)

set(iop_package_dir ${CMAKE_INSTALL_DATADIR}/cmake/iop)
foreach(target iop iop_asio iop_file)
  if(TARGET ${target})
    install(TARGETS ${target} EXPORT ${target}-targets FILE_SET HEADERS)
    install(EXPORT ${target}-targets NAMESPACE iop:: DESTINATION ${iop_package_dir})
  endif()
endforeach()

write_basic_package_version_file(${PROJECT_BINARY_DIR}/iop-config-version.cmake
  COMPATIBILITY SameMinorVersion ARCH_INDEPENDENT)
install(FILES ${PROJECT_SOURCE_DIR}/cmake/dispatch.cmake ${PROJECT_SOURCE_DIR}/cmake/dispatch.cpp
  ${PROJECT_SOURCE_DIR}/cmake/iop-config.cmake ${PROJECT_BINARY_DIR}/iop-config-version.cmake
  DESTINATION ${iop_package_dir})
