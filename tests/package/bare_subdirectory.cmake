# SPDX-License-Identifier: BSL-1.0
#
# cmake -Dsource=<coffer> -Dwork=<directory> -Dgenerator=<of CMake> -Doptions=<cmake argument>,... -P bare_subdirectory.cmake
#
# A project that takes coffer as a subdirectory and sets nothing. Neither libcurl nor another library that the core does
# without can be found here.
cmake_minimum_required(VERSION 3.21)
string(REPLACE "," ";" options "${options}")
file(REMOVE_RECURSE ${work})
file(WRITE ${work}/CMakeLists.txt [[
cmake_minimum_required(VERSION 3.21)
project(bare LANGUAGES CXX)
include(CTest)
add_subdirectory(${COFFER_SOURCE} coffer)
get_directory_property(targets DIRECTORY ${COFFER_SOURCE} BUILDSYSTEM_TARGETS)
if(NOT targets STREQUAL "coffer_core;coffer_testing")
    message(FATAL_ERROR "coffer defines ${targets}")
endif()
get_directory_property(tests DIRECTORY ${COFFER_SOURCE} TESTS)
if(tests)
    message(FATAL_ERROR "coffer adds the tests ${tests}")
endif()
]])
set(without)
foreach(package IN ITEMS CURL nlohmann_json OpenSSL SQLite3 date GTest benchmark CLI11 Boost)
    list(APPEND without -DCMAKE_DISABLE_FIND_PACKAGE_${package}=ON)
endforeach()
execute_process(COMMAND_ERROR_IS_FATAL ANY OUTPUT_QUIET COMMAND ${CMAKE_COMMAND}
    -S ${work} -B ${work}/build -G ${generator} -DCOFFER_SOURCE=${source} ${options} ${without})
execute_process(COMMAND_ERROR_IS_FATAL ANY OUTPUT_QUIET COMMAND ${CMAKE_COMMAND} --build ${work}/build)
execute_process(COMMAND_ERROR_IS_FATAL ANY OUTPUT_QUIET COMMAND ${CMAKE_COMMAND}
    --install ${work}/build --prefix ${work}/prefix)
file(GLOB_RECURSE installed ${work}/prefix/*)
if(installed)
    message(FATAL_ERROR "coffer installs ${installed}")
endif()
