# Makes OUTPUT out of SOURCES with NPM and NODE, in SCRATCH; where that does not go, says so, and there is no OUTPUT.
file(MAKE_DIRECTORY ${SCRATCH})
foreach(name bundle.mjs plots.js package.json package-lock.json)
  file(COPY ${SOURCES}/${name} DESTINATION ${SCRATCH})
endforeach()
# No package's own script is run: esbuild's only looks whether its program is there.
execute_process(COMMAND ${NPM} ci --ignore-scripts --no-audit --no-fund --fetch-retries 1 --fetch-timeout 30000
  WORKING_DIRECTORY ${SCRATCH} RESULT_VARIABLE failed OUTPUT_VARIABLE said ERROR_VARIABLE said TIMEOUT 180)
if(NOT failed)
  get_filename_component(place ${OUTPUT} DIRECTORY)
  file(MAKE_DIRECTORY ${place})
  execute_process(COMMAND ${NODE} bundle.mjs ${OUTPUT}
    WORKING_DIRECTORY ${SCRATCH} RESULT_VARIABLE failed OUTPUT_VARIABLE said ERROR_VARIABLE said TIMEOUT 60)
endif()
if(failed)
  file(REMOVE ${OUTPUT})
  message(STATUS "arbiterctl report --format html will have tables and no plots, as they could not be bundled (${failed}):\n${said}")
endif()
