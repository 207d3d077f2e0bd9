# Run by `cmake --install` (and by cpack): units name programs by where they are installed, which is known only then.
file(READ ${SOURCE_DIR}/sandbox.in ARBITER_SANDBOX)
string(STRIP "${ARBITER_SANDBOX}" ARBITER_SANDBOX)
set(ARBITER_BINDIR ${CMAKE_INSTALL_PREFIX}/${BINDIR})
# Into a place for each prefix: one may be installed while another is.
string(MD5 place ${CMAKE_INSTALL_PREFIX})
foreach(unit arbiter-collector.service arbiter-collector@.service)
  configure_file(${SOURCE_DIR}/${unit}.in ${BUILD_DIR}/${place}/${unit} @ONLY)
  file(INSTALL ${BUILD_DIR}/${place}/${unit} DESTINATION ${CMAKE_INSTALL_PREFIX}/lib/systemd/system)
endforeach()
