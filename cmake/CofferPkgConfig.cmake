# SPDX-License-Identifier: BSL-1.0
#
# A pkg-config file for each component, for whoever builds without CMake: pkg-config --cflags --libs coffer-llm coffer-sqlite
# Asio (or Boost) and tl::expected have none of their own: they must be where the compiler looks.

# coffer_install_pkg_config(<component> <description> [REQUIRES <module with version>...])
function(coffer_install_pkg_config component description)
    if(NOT TARGET coffer_${component})
        return()
    endif()
    cmake_parse_arguments(PARSE_ARGV 2 arg "" "" "REQUIRES")
    set(name coffer-${component})
    set(flags "-I\${includedir}")
    set(libraries)
    if(component STREQUAL "core")
        set(name coffer)
        if(COFFER_ASIO STREQUAL "boost")
            string(APPEND flags " -DCOFFER_USE_BOOST_ASIO -pthread")
        else()
            string(APPEND flags " -DASIO_STANDALONE -pthread")
        endif()
        set(libraries "-pthread")
    endif()
    list(JOIN arg_REQUIRES ", " requires)
    # Relative to where the file lies: the installation may be moved.
    file(RELATIVE_PATH up "${CMAKE_INSTALL_PREFIX}/${CMAKE_INSTALL_DATADIR}/pkgconfig" "${CMAKE_INSTALL_PREFIX}")
    set(file ${PROJECT_BINARY_DIR}/pkgconfig/${name}.pc)
    file(CONFIGURE OUTPUT ${file} @ONLY CONTENT [[
prefix=${pcfiledir}/@up@
includedir=${prefix}/@CMAKE_INSTALL_INCLUDEDIR@

Name: @name@
Description: @description@
Version: @PROJECT_VERSION@
Requires: @requires@
Cflags: @flags@
Libs: @libraries@
]])
    install(FILES ${file} DESTINATION ${CMAKE_INSTALL_DATADIR}/pkgconfig)
endfunction()

coffer_install_pkg_config(core "LLM calls in policies: retried where it helps, billed a declared number of times")
coffer_install_pkg_config(testing "coffer in virtual time, scripted operations" REQUIRES coffer)
coffer_install_pkg_config(http "coffer's transport" REQUIRES coffer "libcurl >= 7.80")
coffer_install_pkg_config(llm "coffer's providers" REQUIRES coffer-http "nlohmann_json >= 3.10" "libcrypto >= 3.0")
coffer_install_pkg_config(sqlite "coffer's durable store" REQUIRES coffer "sqlite3 >= 3.35" "libcrypto >= 3.0")
