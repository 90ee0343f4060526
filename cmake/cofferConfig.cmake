# SPDX-License-Identifier: BSL-1.0
#
#   find_package(coffer 0.1 REQUIRED COMPONENTS http sqlite)   # core if none is named, and always with core
#
# COFFER_SEPARATE_COMPILATION, set before that, builds a static library of coffer's functions in this project, instead of compiling
# them in every file that uses them.
#
# COFFER_ASIO, set before that, chooses the Asio: standalone or boost. By default it is the one coffer was installed with.
#
# Only what the named components need is looked for. Sets coffer_<component>_FOUND, and coffer_NOT_FOUND_MESSAGE with the
# reason if one that is required cannot be had.
cmake_policy(VERSION 3.21...3.31)
if(NOT COFFER_ASIO)
    set(COFFER_ASIO "@COFFER_ASIO@")
endif()
include("${CMAKE_CURRENT_LIST_DIR}/cofferDependencies.cmake")

# Loads a component after those below it. A part that exists already, because coffer is a subdirectory of the same project
# or because another component brought it, is left alone.
function(_coffer_load component problem_var)
    set(problem)
    if(NOT component IN_LIST coffer_components)
        list(JOIN coffer_components ", " known)
        set(problem "coffer has no component \"${component}\"; it has: ${known}\n")
    endif()
    foreach(part IN LISTS coffer_${component}_parts)
        set(file "${CMAKE_CURRENT_FUNCTION_LIST_DIR}/coffer-${part}.cmake")
        if(problem OR TARGET ${coffer_${part}_target})
            continue()
        elseif(NOT EXISTS "${file}")
            string(TOUPPER ${part} upper)
            set(problem "${coffer_${part}_target} is not part of this installation: coffer was installed with COFFER_WITH_${upper}=OFF\n")
            continue()
        endif()
        coffer_find_dependencies(${part} problem)
        if(problem)
            string(PREPEND problem "${coffer_${part}_target} needs:\n")
        else()
            include("${file}")
            coffer_compile_once(${part} ${coffer_${part}_target})
        endif()
    endforeach()
    set(${problem_var} "${problem}" PARENT_SCOPE)
endfunction()

if(NOT coffer_FIND_COMPONENTS)
    set(coffer_FIND_COMPONENTS core)
    set(coffer_FIND_REQUIRED_core TRUE)
endif()

if(TARGET coffer::coffer)
    get_target_property(_coffer_definitions coffer::coffer INTERFACE_COMPILE_DEFINITIONS)
    if(COFFER_SEPARATE_COMPILATION AND NOT _coffer_definitions MATCHES COFFER_SEPARATE_COMPILATION)
        message(WARNING "coffer: COFFER_SEPARATE_COMPILATION was set after coffer had been found or added, and stays without effect: set it before")
    endif()
    unset(_coffer_definitions)
endif()

set(coffer_NOT_FOUND_MESSAGE)
foreach(_coffer_component IN LISTS coffer_FIND_COMPONENTS)
    _coffer_load(${_coffer_component} _coffer_problem)
    if(NOT _coffer_problem)
        set(coffer_${_coffer_component}_FOUND TRUE)
        continue()
    endif()
    set(coffer_${_coffer_component}_FOUND FALSE)
    if(coffer_FIND_REQUIRED_${_coffer_component})
        set(coffer_FOUND FALSE)
        string(REPLACE "${_coffer_problem}" "" coffer_NOT_FOUND_MESSAGE "${coffer_NOT_FOUND_MESSAGE}") # say it once
        string(APPEND coffer_NOT_FOUND_MESSAGE "${_coffer_problem}")
    elseif(NOT coffer_FIND_QUIETLY)
        message(STATUS "coffer: optional component ${_coffer_component} left out. ${_coffer_problem}")
    endif()
endforeach()
unset(_coffer_component)
unset(_coffer_problem)
