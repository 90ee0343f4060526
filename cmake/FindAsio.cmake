# SPDX-License-Identifier: BSL-1.0
#
# Finds standalone Asio, which comes with no CMake package of its own, and defines asio::asio unless it exists already.
#
#   ASIO_ROOT     where to look, as a CMake or an environment variable: the directory that holds asio.hpp, or its parent,
#                 or a checkout of Asio. If it is set, nothing else is searched. Otherwise CMAKE_PREFIX_PATH and the system.
#   Asio_FOUND, Asio_VERSION, ASIO_INCLUDE_DIR (cached)

set(_asio_hints "${ASIO_ROOT}")
if(NOT ASIO_ROOT)
    set(_asio_hints "$ENV{ASIO_ROOT}")
endif()
set(_asio_only)
unset(Asio_NOT_FOUND_MESSAGE)
if(_asio_hints)
    set(_asio_only NO_DEFAULT_PATH)
    set(Asio_NOT_FOUND_MESSAGE "ASIO_ROOT is ${_asio_hints}, and nothing else was searched")
endif()

find_path(ASIO_INCLUDE_DIR asio.hpp HINTS ${_asio_hints} PATH_SUFFIXES include asio/include ${_asio_only})
mark_as_advanced(ASIO_INCLUDE_DIR)

unset(Asio_VERSION)
if(EXISTS "${ASIO_INCLUDE_DIR}/asio/version.hpp")
    file(STRINGS "${ASIO_INCLUDE_DIR}/asio/version.hpp" _asio_version REGEX "define[ \t]+ASIO_VERSION[ \t]+[0-9]+")
    string(REGEX MATCH "[0-9]+" _asio_version "${_asio_version}")
    math(EXPR _asio_major "${_asio_version} / 100000")
    math(EXPR _asio_minor "${_asio_version} / 100 % 1000")
    math(EXPR _asio_patch "${_asio_version} % 100")
    set(Asio_VERSION "${_asio_major}.${_asio_minor}.${_asio_patch}")
endif()

find_package(Threads QUIET)

include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(Asio REQUIRED_VARS ASIO_INCLUDE_DIR Asio_VERSION Threads_FOUND VERSION_VAR Asio_VERSION)

if(Asio_FOUND AND NOT TARGET asio::asio)
    add_library(asio::asio INTERFACE IMPORTED)
    target_include_directories(asio::asio INTERFACE "${ASIO_INCLUDE_DIR}")
    target_compile_definitions(asio::asio INTERFACE ASIO_STANDALONE)
    target_link_libraries(asio::asio INTERFACE Threads::Threads)
    if(Asio_VERSION VERSION_LESS 1.26)
        # Until 1.26 Asio looked for coroutines in a way that Clang with libstdc++ does not answer.
        target_compile_definitions(asio::asio INTERFACE
            $<$<COMPILE_LANG_AND_ID:CXX,Clang,AppleClang>:ASIO_HAS_CO_AWAIT=1>
            $<$<COMPILE_LANG_AND_ID:CXX,Clang,AppleClang>:ASIO_HAS_STD_COROUTINE=1>
        )
    endif()
endif()
