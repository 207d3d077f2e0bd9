# What `cmake --install` gives those who link the producer: headers, both libraries, a CMake package (find_package(arbiter) -> arbiter::producer) and
# a pkg-config file (arbiter-producer).
include(CMakePackageConfigHelpers)

# As arbiter/producer.h has it. The number of the release is another: it says nothing of who can be served.
set(abi_version 1.1)

add_library(arbiter_producer_shared SHARED $<TARGET_OBJECTS:arbiter_producer_objects> $<TARGET_OBJECTS:arbiter_shm>)
target_include_directories(arbiter_producer_shared INTERFACE
  $<BUILD_INTERFACE:${CMAKE_CURRENT_SOURCE_DIR}/include> $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)
target_link_libraries(arbiter_producer_shared PRIVATE $<BUILD_INTERFACE:arbiter_build> Threads::Threads)
target_link_options(arbiter_producer_shared PRIVATE -Wl,--gc-sections -Wl,--version-script=${CMAKE_CURRENT_SOURCE_DIR}/exports.map)
set_target_properties(arbiter_producer_shared PROPERTIES
  LINK_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/exports.map
  OUTPUT_NAME arbiter_producer LINKER_LANGUAGE CXX VERSION ${abi_version} SOVERSION 1 EXPORT_NAME producer_shared)
set_target_properties(arbiter_producer PROPERTIES EXPORT_NAME producer)

# Who runs an agent needs the library alone; who builds one, all the rest.
set(CMAKE_INSTALL_DEFAULT_COMPONENT_NAME development)
install(TARGETS arbiter_producer arbiter_producer_shared EXPORT arbiter-targets
  LIBRARY COMPONENT library NAMELINK_COMPONENT development)
install(DIRECTORY ${CMAKE_CURRENT_SOURCE_DIR}/include/arbiter DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
set(package_directory ${CMAKE_INSTALL_LIBDIR}/cmake/arbiter)
install(EXPORT arbiter-targets NAMESPACE arbiter:: DESTINATION ${package_directory})
configure_package_config_file(${CMAKE_CURRENT_SOURCE_DIR}/arbiter-config.cmake.in ${CMAKE_CURRENT_BINARY_DIR}/arbiter-config.cmake
  INSTALL_DESTINATION ${package_directory})
write_basic_package_version_file(${CMAKE_CURRENT_BINARY_DIR}/arbiter-config-version.cmake COMPATIBILITY SameMajorVersion)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/arbiter-config.cmake ${CMAKE_CURRENT_BINARY_DIR}/arbiter-config-version.cmake DESTINATION ${package_directory})
# The file finds its prefix from where it lies, so that the tree may be moved: as many steps up from lib/.../pkgconfig as there are.
string(REGEX REPLACE "[^/]+" ".." PC_UP "${CMAKE_INSTALL_LIBDIR}")
configure_file(arbiter-producer.pc.in arbiter-producer.pc @ONLY)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/arbiter-producer.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
