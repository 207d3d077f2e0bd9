# Run by `cmake --install` (and by cpack): units name programs by where they are installed, which is known only then.
file(READ ${SOURCE_DIR}/sandbox.in ARBITER_SANDBOX)
string(STRIP "${ARBITER_SANDBOX}" ARBITER_SANDBOX)
set(ARBITER_BINDIR ${CMAKE_INSTALL_PREFIX}/${BINDIR})
foreach(unit arbiter-collector.service arbiter-collector@.service)
  configure_file(${SOURCE_DIR}/${unit}.in ${BUILD_DIR}/${unit} @ONLY)
  file(INSTALL ${BUILD_DIR}/${unit} DESTINATION ${CMAKE_INSTALL_PREFIX}/lib/systemd/system)
endforeach()
