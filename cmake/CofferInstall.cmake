# SPDX-License-Identifier: BSL-1.0
#
# The installed package, and the same package for the build directory (-Dcoffer_DIR=<build>). An export file for each
# component, so that one can be loaded without the libraries that another needs.
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

# Headers hold nothing of one architecture, hence share/ and not lib/.
set(package_dir ${CMAKE_INSTALL_DATADIR}/cmake/coffer)

foreach(component IN LISTS coffer_components)
    if(TARGET coffer_${component})
        string(REPLACE "coffer::" "" name ${coffer_${component}_target})
        set_target_properties(coffer_${component} PROPERTIES EXPORT_NAME ${name})
        install(TARGETS coffer_${component} EXPORT coffer-${component} INCLUDES DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
        install(EXPORT coffer-${component} NAMESPACE coffer:: DESTINATION ${package_dir})
        if(NOT COFFER_SEPARATE_COMPILATION) # whose libraries are of this build alone
            export(EXPORT coffer-${component} NAMESPACE coffer:: FILE ${PROJECT_BINARY_DIR}/coffer-${component}.cmake)
        endif()
    endif()
endforeach()

write_basic_package_version_file(${PROJECT_BINARY_DIR}/cofferConfigVersion.cmake
    COMPATIBILITY SameMinorVersion # 0.x: a minor version may break
    ARCH_INDEPENDENT
)
set(configured ${PROJECT_BINARY_DIR})
if(COFFER_SEPARATE_COMPILATION) # then the build directory is no package
    string(APPEND configured /package)
endif()
foreach(file IN ITEMS cofferConfig.cmake cofferDependencies.cmake FindAsio.cmake)
    configure_file(${CMAKE_CURRENT_LIST_DIR}/${file} ${configured}/${file} @ONLY)
    install(FILES ${configured}/${file} DESTINATION ${package_dir})
endforeach()
install(FILES ${PROJECT_BINARY_DIR}/cofferConfigVersion.cmake DESTINATION ${package_dir})
install(FILES ${PROJECT_SOURCE_DIR}/LICENSE DESTINATION ${CMAKE_INSTALL_DATADIR}/licenses/coffer)
install(DIRECTORY ${PROJECT_SOURCE_DIR}/include/coffer DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} FILES_MATCHING PATTERN *.hpp PATTERN *.ipp)

include(cmake/CofferPkgConfig.cmake)
