# SPDX-License-Identifier: BSL-1.0
#
# vcpkg itself comes from where tests cannot go. Here are stand-ins for the functions of it that ports/coffer uses: each does
# in short what the real one does, so that the portfile really configures, builds and installs. And what vcpkg would say of
# the manifest is looked at.
#
#   cmake -Dport=<ports/coffer> -Dfeatures=http,llm -Dwork=<directory> -Dheader=<version.hpp> -Doptions=<cmake argument>,...
#       -P build_port.cmake
#
# The package is in <work>/packages, as vcpkg would have it in its installed directory.
cmake_minimum_required(VERSION 3.21)
string(REPLACE "," ";" features "${features}")
string(REPLACE "," ";" options "${options}")

# The manifest.
file(READ ${port}/vcpkg.json manifest)
string(JSON version GET "${manifest}" version-semver)
file(STRINGS ${header} ours REGEX "COFFER_VERSION_STRING \"${version}\"$")
if(NOT ours)
    message(FATAL_ERROR "vcpkg.json says ${version}, version.hpp does not")
endif()
string(JSON defaults ERROR_VARIABLE none GET "${manifest}" default-features)
if(NOT none)
    message(FATAL_ERROR "nothing that was not asked for: no default-features")
endif()
string(JSON last LENGTH "${manifest}" features)
math(EXPR last "${last} - 1")
set(known)
foreach(i RANGE ${last})
    string(JSON feature MEMBER "${manifest}" features ${i})
    list(APPEND known ${feature})
    string(JSON text GET "${manifest}" features ${feature} description)
    if(NOT text MATCHES "^coffer::${feature}, ")
        message(FATAL_ERROR "the feature ${feature} is described as: ${text}")
    endif()
endforeach()
if(NOT known STREQUAL "http;llm;sqlite;zones")
    message(FATAL_ERROR "the features are ${known}")
endif()

# What vcpkg sets for a portfile.
set(PORT coffer)
set(VERSION ${version})
set(FEATURES core ${features})
set(CURRENT_BUILDTREES_DIR ${work}/buildtrees)
set(CURRENT_PACKAGES_DIR ${work}/packages)
file(REMOVE_RECURSE ${CURRENT_PACKAGES_DIR})

function(run)
    execute_process(COMMAND ${ARGN} COMMAND_ERROR_IS_FATAL ANY OUTPUT_QUIET)
endfunction()

function(vcpkg_check_features)
    cmake_parse_arguments(PARSE_ARGV 0 arg "" "OUT_FEATURE_OPTIONS" "FEATURES")
    set(result)
    while(arg_FEATURES)
        list(POP_FRONT arg_FEATURES feature option)
        if(NOT feature IN_LIST known)
            message(FATAL_ERROR "the portfile has a feature ${feature}, the manifest has not")
        endif()
        set(value OFF)
        if(feature IN_LIST FEATURES)
            set(value ON)
        endif()
        list(APPEND result -D${option}=${value})
    endwhile()
    set(${arg_OUT_FEATURE_OPTIONS} ${result} PARENT_SCOPE)
endfunction()

function(vcpkg_cmake_configure)
    cmake_parse_arguments(PARSE_ARGV 0 arg "" "SOURCE_PATH" "OPTIONS")
    if(NOT VCPKG_BUILD_TYPE STREQUAL "release")
        message(FATAL_ERROR "headers are the same for debugging: there is one build, the release")
    endif()
    run(${CMAKE_COMMAND} -S ${arg_SOURCE_PATH} -B ${CURRENT_BUILDTREES_DIR} -G Ninja -DCMAKE_BUILD_TYPE=Release
        -DCMAKE_INSTALL_PREFIX=${CURRENT_PACKAGES_DIR} ${options} ${arg_OPTIONS})
endfunction()

function(vcpkg_cmake_install)
    run(${CMAKE_COMMAND} --build ${CURRENT_BUILDTREES_DIR} --target install)
endfunction()

# Moves the package to share/<port>, where vcpkg looks for it, one directory nearer to the prefix.
function(vcpkg_cmake_config_fixup)
    cmake_parse_arguments(PARSE_ARGV 0 arg "" "CONFIG_PATH" "")
    file(RENAME ${CURRENT_PACKAGES_DIR}/${arg_CONFIG_PATH} ${CURRENT_PACKAGES_DIR}/share/${PORT})
    file(REMOVE_RECURSE ${CURRENT_PACKAGES_DIR}/share/cmake)
    set(up "get_filename_component(_IMPORT_PREFIX \"\${_IMPORT_PREFIX}\" PATH)\n")
    file(GLOB files ${CURRENT_PACKAGES_DIR}/share/${PORT}/coffer-*.cmake)
    foreach(file IN LISTS files)
        file(READ ${file} text)
        string(REPLACE "${up}${up}${up}" "${up}${up}" text "${text}")
        file(WRITE ${file} "${text}")
    endforeach()
endfunction()

function(vcpkg_fixup_pkgconfig)
    file(GLOB files ${CURRENT_PACKAGES_DIR}/lib*/pkgconfig/*.pc)
    if(files)
        message(FATAL_ERROR "what is of no architecture belongs to share/, also its .pc files: ${files}")
    endif()
endfunction()

function(vcpkg_install_copyright)
    cmake_parse_arguments(PARSE_ARGV 0 arg "" "" "FILE_LIST")
    file(INSTALL ${arg_FILE_LIST} DESTINATION ${CURRENT_PACKAGES_DIR}/share/${PORT} RENAME copyright)
endfunction()

include(${port}/portfile.cmake)

# What vcpkg demands of every package.
foreach(file IN ITEMS include/coffer/coffer.hpp share/coffer/copyright share/coffer/usage share/coffer/cofferConfig.cmake)
    if(NOT EXISTS ${CURRENT_PACKAGES_DIR}/${file})
        message(FATAL_ERROR "the package has no ${file}")
    endif()
endforeach()
file(GLOB directories RELATIVE ${CURRENT_PACKAGES_DIR} ${CURRENT_PACKAGES_DIR}/* ${CURRENT_PACKAGES_DIR}/share/*)
if(NOT directories STREQUAL "include;share;share/coffer;share/pkgconfig")
    message(FATAL_ERROR "the package has ${directories}")
endif()

# Every target that the usage names is one of a feature, and every feature is named.
file(READ ${port}/usage usage)
string(REGEX MATCHALL "coffer::[a-z]+" named "${usage}")
list(REMOVE_DUPLICATES named)
list(SORT named)
if(NOT named STREQUAL "coffer::coffer;coffer::http;coffer::llm;coffer::sqlite;coffer::testing;coffer::zones")
    message(FATAL_ERROR "the usage names ${named}")
endif()
foreach(component IN ITEMS http llm sqlite zones)
    set(file ${CURRENT_PACKAGES_DIR}/share/coffer/coffer-${component}.cmake)
    if(component IN_LIST FEATURES AND NOT EXISTS ${file})
        message(FATAL_ERROR "the feature ${component} was asked for, and its target is not there")
    elseif(NOT component IN_LIST FEATURES AND EXISTS ${file})
        message(FATAL_ERROR "the feature ${component} was not asked for, and its target is there")
    endif()
endforeach()
