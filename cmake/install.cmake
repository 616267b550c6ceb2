# cmake --install and cpack: the program, its manual page and completions (made by the program itself), the manual, and what editors
# read of the library.
include(GNUInstallDirs)
install(TARGETS lugger RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})

set(made ${PROJECT_BINARY_DIR}/installed)
install(CODE "
  file(MAKE_DIRECTORY \"${made}\")
  function(make name)
    execute_process(COMMAND \"$<TARGET_FILE:lugger>\" \${ARGN} OUTPUT_FILE \"${made}/\${name}\" RESULT_VARIABLE failed
      WORKING_DIRECTORY \"${made}\")
    if(failed)
      message(FATAL_ERROR \"lugger \${ARGN}: \${failed}\")
    endif()
  endfunction()
  make(lugger.1 help --man)
  make(lugger completion bash)
  make(_lugger completion zsh)
  make(lugger.fish completion fish)
  execute_process(COMMAND gzip -9nf \"${made}/lugger.1\")
")
install(FILES ${made}/lugger.1.gz DESTINATION ${CMAKE_INSTALL_MANDIR}/man1)
install(FILES ${made}/lugger DESTINATION ${CMAKE_INSTALL_DATADIR}/bash-completion/completions)
install(FILES ${made}/_lugger DESTINATION ${CMAKE_INSTALL_DATADIR}/zsh/vendor-completions)
install(FILES ${made}/lugger.fish DESTINATION ${CMAKE_INSTALL_DATADIR}/fish/vendor_completions.d)

install(FILES README.md CHANGELOG.md DESTINATION ${CMAKE_INSTALL_DOCDIR})
install(FILES LICENSE DESTINATION ${CMAKE_INSTALL_DOCDIR} RENAME copyright)
install(DIRECTORY docs examples DESTINATION ${CMAKE_INSTALL_DOCDIR} PATTERN ".lugger" EXCLUDE PATTERN "pg" EXCLUDE)
set(library ${CMAKE_INSTALL_DATADIR}/lugger/library)
install(FILES stdlib/lugger.lua DESTINATION ${library})
install(DIRECTORY stdlib/meta stdlib/lugger DESTINATION ${library} FILES_MATCHING PATTERN "*.lua")
# By its module's name, lugger.inner.ROOM.NAME, as editors look for it.
install(DIRECTORY stdlib/inner DESTINATION ${library}/lugger FILES_MATCHING PATTERN "*.lua")

set(release 0)
if(EXISTS /etc/os-release)
  file(STRINGS /etc/os-release line REGEX "^VERSION_ID=")
  string(REGEX MATCH "[0-9]+" release "${line}")
endif()
set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_CONTACT "lugger maintainers <lugger@localhost>")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "moves MongoDB into PostgreSQL, runs migrations and fixes")
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_STRIP_FILES ON)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_RELEASE "1~deb${release}")
set(CPACK_DEBIAN_PACKAGE_SECTION database)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_DEPENDS tzdata)  # time zones of dates
set(CPACK_DEBIAN_PACKAGE_RECOMMENDS "postgresql-client, libmongoc-1.0-0")  # the latter is loaded at run time
# Loaded at run time but for the first.
set(CPACK_DEBIAN_PACKAGE_SUGGESTS "postgresql, libmicrohttpd12, libcurl4 | libcurl4t64")
include(CPack)
