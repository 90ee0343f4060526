# SPDX-License-Identifier: BSL-1.0
#
# What every component needs, in one place. The build reads this file and so does the installed package: both ask for the
# same minimum versions and say the same of what is missing.

# Each component with those below it, in the order in which they are loaded.
set(coffer_components core testing http llm sqlite zones)
set(coffer_core_parts core)
set(coffer_testing_parts core testing)
set(coffer_http_parts core http)
set(coffer_llm_parts core http llm)
set(coffer_sqlite_parts core sqlite)
set(coffer_zones_parts core zones)

set(coffer_core_target coffer::coffer)
set(coffer_testing_target coffer::testing)
set(coffer_http_target coffer::http)
set(coffer_llm_target coffer::llm)
set(coffer_sqlite_target coffer::sqlite)
set(coffer_zones_target coffer::zones)

# Which Asio it is: standalone, or Boost's. Whoever finds an installed package may choose, too: before find_package, for the
# whole program.
if(NOT COFFER_ASIO)
    set(COFFER_ASIO standalone)
endif()

# Of which components there are definitions to compile, and which others stand below theirs without a target of their own.
set(coffer_compiled_components core http llm sqlite zones)
set(coffer_llm_compiled_parts crypto)
set(coffer_sqlite_compiled_parts crypto)

# With COFFER_SEPARATE_COMPILATION: what links `target`, which has the headers of `component`, gets their definitions from a
# static library that is built in this project, with the flags of this directory. None of that is installed: whoever finds the
# package says for himself what he wants.
function(coffer_compile_once component target)
    set(wanted ${COFFER_SEPARATE_COMPILATION})
    if(NOT component STREQUAL "core") # as it was for what all of them stand on: the program must agree with itself
        get_target_property(definitions coffer::coffer INTERFACE_COMPILE_DEFINITIONS)
        set(wanted OFF)
        if(definitions MATCHES COFFER_SEPARATE_COMPILATION)
            set(wanted ON)
        endif()
    endif()
    if(NOT wanted OR NOT component IN_LIST coffer_compiled_components)
        return()
    endif()
    foreach(part IN LISTS coffer_${component}_compiled_parts ITEMS ${component})
        set(library coffer_compiled_${part})
        if(COFFER_ASIO STREQUAL "boost")
            string(APPEND library _boost)
        endif()
        if(NOT TARGET ${library})
            set(source ${CMAKE_CURRENT_BINARY_DIR}/coffer_compiled/${library}.cpp)
            file(CONFIGURE OUTPUT ${source} CONTENT "#include <coffer/src/${part}.hpp>\n")
            add_library(${library} STATIC EXCLUDE_FROM_ALL ${source})
            set_target_properties(${library} PROPERTIES
                POSITION_INDEPENDENT_CODE ON CXX_VISIBILITY_PRESET hidden VISIBILITY_INLINES_HIDDEN ON
                CXX_CLANG_TIDY "" CXX_CPPCHECK "" CXX_CPPLINT "" CXX_INCLUDE_WHAT_YOU_USE ""
            )
            if(part STREQUAL "crypto") # whoever asked for it first, it needs no more than this
                target_link_libraries(${library} PRIVATE coffer::coffer OpenSSL::Crypto)
            else()
                target_link_libraries(${library} PRIVATE ${target})
            endif()
        endif()
        target_link_libraries(${target} INTERFACE $<BUILD_INTERFACE:${library}>)
    endforeach()
    if(component STREQUAL "core")
        target_compile_definitions(${target} INTERFACE $<BUILD_INTERFACE:COFFER_SEPARATE_COMPILATION>)
    endif()
endfunction()

# Finds the libraries that `component` itself needs, and puts into `problems_var` a text that names what is missing or too
# old and how to get it: empty if all is well. With GLOBAL what is found is visible in the whole project, and not only in
# the directory that looked for it: the coffer targets of a subproject are visible everywhere, and so must be what they link.
function(coffer_find_dependencies component problems_var)
    cmake_parse_arguments(PARSE_ARGV 2 arg "GLOBAL" "" "")
    set(problems)
    if(component STREQUAL "core")
        list(PREPEND CMAKE_MODULE_PATH "${CMAKE_CURRENT_FUNCTION_LIST_DIR}") # FindAsio.cmake
        _coffer_need(Threads Threads::Threads 0 Threads_VERSION "libc6-dev | (part of the system) | (part of the system)")
        if(COFFER_ASIO STREQUAL "boost")
            set(asio Boost::headers)
            _coffer_need(Boost Boost::headers 1.79 Boost_VERSION "libboost1.81-dev (or a newer one) | boost-asio | boost")
        elseif(COFFER_ASIO STREQUAL "standalone")
            set(asio asio::asio)
            _coffer_need(Asio asio::asio 1.22.1 Asio_VERSION "libasio-dev | asio | asio")
        else()
            string(APPEND problems "  COFFER_ASIO is ${COFFER_ASIO}; it may be standalone or boost\n")
        endif()
        _coffer_need(tl-expected tl::expected 1.0 tl-expected_VERSION "libexpected-dev | tl-expected | tl-expected")
        if(NOT problems AND NOT TARGET coffer::asio)
            _coffer_define_asio(${asio})
        endif()
    elseif(component STREQUAL "http")
        _coffer_need(CURL CURL::libcurl 7.80 CURL_VERSION_STRING "libcurl4-openssl-dev | curl | libcurl")
    elseif(component STREQUAL "llm")
        _coffer_need(nlohmann_json nlohmann_json::nlohmann_json 3.10 nlohmann_json_VERSION
            "nlohmann-json3-dev | nlohmann-json | nlohmann_json")
        _coffer_need(OpenSSL OpenSSL::Crypto 3.0 OPENSSL_VERSION "libssl-dev | openssl | openssl")
    elseif(component STREQUAL "sqlite")
        _coffer_need(SQLite3 SQLite::SQLite3 3.35 SQLite3_VERSION "libsqlite3-dev | sqlite3 | sqlite3")
        _coffer_need(OpenSSL OpenSSL::Crypto 3.0 OPENSSL_VERSION "libssl-dev | openssl | openssl")
    elseif(component STREQUAL "zones")
        _coffer_ask_for_time_zones()
        if(NOT COFFER_STANDARD_HAS_TIME_ZONES)
            set(before)
            if(TARGET date::date)
                set(before date::date)
            endif()
            _coffer_need(date date::date-tz 3.0 date_VERSION "libhowardhinnant-date-dev | date | date")
            if(arg_GLOBAL AND NOT before AND TARGET date::date AND CMAKE_VERSION VERSION_LESS 3.24) # what date::date-tz links
                set_target_properties(date::date PROPERTIES IMPORTED_GLOBAL TRUE)
            endif()
        endif()
    endif()
    set(${problems_var} "${problems}" PARENT_SCOPE)
endfunction()

# coffer::asio, which is what coffer::coffer links: the Asio that was chosen, and the definition that chooses it.
macro(_coffer_define_asio linked)
    set(_coffer_scope)
    if(arg_GLOBAL)
        set(_coffer_scope GLOBAL)
    endif()
    add_library(coffer::asio INTERFACE IMPORTED ${_coffer_scope})
    target_link_libraries(coffer::asio INTERFACE ${linked} Threads::Threads)
    if(COFFER_ASIO STREQUAL "boost")
        target_compile_definitions(coffer::asio INTERFACE COFFER_USE_BOOST_ASIO)
        if(NOT "${Boost_VERSION}" STREQUAL "" AND Boost_VERSION VERSION_LESS 1.81) # as in FindAsio.cmake
            target_compile_definitions(coffer::asio INTERFACE
                $<$<COMPILE_LANG_AND_ID:CXX,Clang,AppleClang>:BOOST_ASIO_HAS_CO_AWAIT=1>
                $<$<COMPILE_LANG_AND_ID:CXX,Clang,AppleClang>:BOOST_ASIO_HAS_STD_COROUTINE=1>
            )
        endif()
    endif()
endmacro()

# Whether this compiler's standard library reads the time zone database: libstdc++ does from 14 on.
function(_coffer_ask_for_time_zones)
    include(CheckCXXSourceCompiles)
    set(CMAKE_CXX_STANDARD 20)
    set(CMAKE_CXX_STANDARD_REQUIRED ON)
    set(CMAKE_REQUIRED_QUIET TRUE)
    check_cxx_source_compiles("
        #include <chrono>
        #if !defined(__cpp_lib_chrono) || __cpp_lib_chrono < 201907L
        #error time zones
        #endif
        int main() { return 0; }" COFFER_STANDARD_HAS_TIME_ZONES)
endfunction()

# One library. A target that exists already, from a parent project or FetchContent, is taken as it is; the headers check the
# versions once more. `names`: what apt, vcpkg and Conan call it.
macro(_coffer_need package target minimum version_var names)
    if(NOT TARGET ${target})
        if(arg_GLOBAL)
            set(CMAKE_FIND_PACKAGE_TARGETS_GLOBAL TRUE)
        endif()
        find_package(${package} QUIET)
        if(arg_GLOBAL AND TARGET ${target} AND CMAKE_VERSION VERSION_LESS 3.24) # which does not know the variable
            set_target_properties(${target} PROPERTIES IMPORTED_GLOBAL TRUE)
        endif()
    endif()
    set(_coffer_problem)
    if(NOT TARGET ${target})
        set(_coffer_problem "not found")
        if(${package}_NOT_FOUND_MESSAGE)
            string(APPEND _coffer_problem " (${${package}_NOT_FOUND_MESSAGE})")
        endif()
    elseif(NOT "${${version_var}}" STREQUAL "" AND "${${version_var}}" VERSION_LESS "${minimum}")
        set(_coffer_problem "found ${${version_var}}, which is too old")
    endif()
    if(_coffer_problem)
        string(REPLACE " | " ";" _coffer_names "${names}")
        list(GET _coffer_names 0 _coffer_apt)
        list(GET _coffer_names 1 _coffer_vcpkg)
        list(GET _coffer_names 2 _coffer_conan)
        set(_coffer_place "-DCMAKE_PREFIX_PATH=<where it is installed>")
        if(${package} STREQUAL "Asio")
            set(_coffer_place "-DASIO_ROOT=<the directory of its asio.hpp>")
        endif()
        string(APPEND problems
            "  ${package} >= ${minimum}: ${_coffer_problem}\n"
            "    apt install ${_coffer_apt}  |  vcpkg install ${_coffer_vcpkg}  |  conan: ${_coffer_conan}\n")
        if(_coffer_problem MATCHES "too old") # then this system's package is what was found
            string(APPEND problems
                "    Debian 12 and Ubuntu 24.04 have a new enough one; or take one of your own: ${_coffer_place}\n")
        endif()
    endif()
endmacro()
