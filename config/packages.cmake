# `cpack -G DEB` in a build directory makes three packages of what `cmake --install` installs:
#   arbiter-collector        daemon, tools, units, configuration, man pages, completions
#   libarbiter-producer1     the library that agents load; its number is that of its interface
#   libarbiter-producer-dev  headers, static library, CMake package, pkg-config file
# Their paths are the distribution's: /usr, and /etc for what an administrator changes. tests/system/packages holds them against Debian's policy.
set(ARBITER_CONTACT "Arbiter maintainers <maintainers@arbiter.invalid>" CACHE STRING "Who answers for the packages: whoever makes them")
set(package_version ${PROJECT_VERSION}-1)

set(CPACK_PACKAGE_NAME arbiter)
set(CPACK_PACKAGE_VENDOR "Arbiter")
set(CPACK_PACKAGE_CONTACT "${ARBITER_CONTACT}")
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_PACKAGE_DIRECTORY ${CMAKE_BINARY_DIR}/packages)
set(CPACK_STRIP_FILES ON)
set(CPACK_INSTALL_DEFAULT_DIRECTORY_PERMISSIONS
  OWNER_READ OWNER_WRITE OWNER_EXECUTE GROUP_READ GROUP_EXECUTE WORLD_READ WORLD_EXECUTE)
set(CPACK_COMPONENTS_ALL collector library development)
set(CPACK_DEB_COMPONENT_INSTALL ON)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_RELEASE 1)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_GENERATE_SHLIBS ON)
set(CPACK_DEBIAN_PACKAGE_GENERATE_SHLIBS_POLICY ">=")
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)

set(control ${CMAKE_CURRENT_LIST_DIR}/debian)
set(CPACK_DEBIAN_COLLECTOR_PACKAGE_NAME arbiter-collector)
set(CPACK_DEBIAN_COLLECTOR_PACKAGE_SECTION admin)
# procps has the kill of ExecReload.
set(CPACK_DEBIAN_COLLECTOR_PACKAGE_DEPENDS
  "init-system-helpers (>= 1.54), procps, systemd | systemd-standalone-sysusers, systemd | systemd-standalone-tmpfiles")
set(CPACK_DEBIAN_COLLECTOR_DESCRIPTION "collects what agents record about tasks and agents
The collector drains shared memory that agent processes record into,
anonymises, joins and journals it, answers for exact statistics, and
exports snapshots for training jobs. With it come arbiterctl, which asks
it, and tools that read and replay its files.")
set(CPACK_DEBIAN_COLLECTOR_PACKAGE_CONTROL_EXTRA "${control}/postinst;${control}/prerm;${control}/postrm;${control}/conffiles")

set(CPACK_DEBIAN_LIBRARY_PACKAGE_NAME libarbiter-producer1)
set(CPACK_DEBIAN_LIBRARY_PACKAGE_SECTION libs)
set(CPACK_DEBIAN_LIBRARY_PACKAGE_CONTROL_EXTRA "${control}/triggers")
set(CPACK_DEBIAN_LIBRARY_DESCRIPTION "records what agents do, without a lock, a system call or a wait
Agents that load this library record routing decisions, starts,
completions and evaluations into shared memory, for arbiter-collector.")

set(CPACK_DEBIAN_DEVELOPMENT_PACKAGE_NAME libarbiter-producer-dev)
set(CPACK_DEBIAN_DEVELOPMENT_PACKAGE_SECTION libdevel)
set(CPACK_DEBIAN_DEVELOPMENT_PACKAGE_DEPENDS "libarbiter-producer1 (= ${package_version})")
set(CPACK_DEBIAN_DEVELOPMENT_DESCRIPTION "headers and static library of libarbiter-producer1
What it takes to build agents that record: headers for C and C++20, a
static library, a CMake package (find_package(arbiter)) and a pkg-config
file.")

# What every Debian package has to have: who may do what with it, and what is new. `cmake --install` into another prefix has no use for it.
set(made ${CMAKE_CURRENT_BINARY_DIR}/debian)
configure_file(${control}/changelog.in ${made}/changelog.Debian @ONLY)
execute_process(COMMAND gzip -9nc ${made}/changelog.Debian OUTPUT_FILE ${made}/changelog.Debian.gz COMMAND_ERROR_IS_FATAL ANY)
foreach(component collector library development)
  string(TOUPPER ${component} upper)
  set(documents "${control}/copyright;${made}/changelog.Debian.gz")
  if(component STREQUAL collector)
    list(APPEND documents ${PROJECT_SOURCE_DIR}/README.md ${CMAKE_CURRENT_LIST_DIR}/OPERATIONS.md)
  endif()
  list(JOIN documents "\" \"" documents)
  install(CODE "if(CMAKE_INSTALL_PREFIX STREQUAL \"/usr\")
    file(INSTALL DESTINATION \"/usr/share/doc/${CPACK_DEBIAN_${upper}_PACKAGE_NAME}\" TYPE FILE FILES \"${documents}\")
  endif()" COMPONENT ${component})
endforeach()
# Drop-ins for what the sandbox of the units forbids, and the administrator's own file, which says nothing yet.
install(CODE "if(CMAKE_INSTALL_PREFIX STREQUAL \"/usr\")
    file(INSTALL DESTINATION /usr/share/doc/arbiter-collector/examples TYPE FILE FILES
      \"${CMAKE_CURRENT_LIST_DIR}/systemd/listen.conf\" \"${CMAKE_CURRENT_LIST_DIR}/systemd/reach-out.conf\")
    file(INSTALL DESTINATION /etc/arbiter TYPE FILE FILES \"${control}/collector.json\")
  endif()")
include(CPack)
