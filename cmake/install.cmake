# `cmake --install`: the library, its headers, mace_run, and what find_package(mace) needs. Component `sdk`,
# so that the wheel can leave it out.
if(TARGET mace)
  include(CMakePackageConfigHelpers)
  set(config_dir ${CMAKE_INSTALL_LIBDIR}/cmake/mace)
  install(TARGETS mace EXPORT mace_targets COMPONENT sdk
    LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR} COMPONENT sdk NAMELINK_COMPONENT sdk)
  install(FILES include/mace/mace_c.h include/mace/mace.h DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/mace COMPONENT sdk)
  install(DIRECTORY include/mace/public DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/mace COMPONENT sdk
    FILES_MATCHING PATTERN "*.h")
  if(TARGET mace_run)
    install(TARGETS mace_run RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR} COMPONENT sdk)
  endif()
  install(EXPORT mace_targets NAMESPACE mace:: DESTINATION ${config_dir} COMPONENT sdk)
  configure_package_config_file(${PROJECT_SOURCE_DIR}/cmake/maceConfig.cmake.in
    ${PROJECT_BINARY_DIR}/maceConfig.cmake INSTALL_DESTINATION ${config_dir})
  write_basic_package_version_file(${PROJECT_BINARY_DIR}/maceConfigVersion.cmake COMPATIBILITY SameMinorVersion)
  install(FILES ${PROJECT_BINARY_DIR}/maceConfig.cmake ${PROJECT_BINARY_DIR}/maceConfigVersion.cmake
    DESTINATION ${config_dir} COMPONENT sdk)
  install(FILES LICENSE DESTINATION ${CMAKE_INSTALL_DOCDIR} COMPONENT sdk OPTIONAL)
endif()
