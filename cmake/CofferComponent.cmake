# SPDX-License-Identifier: BSL-1.0
include("${CMAKE_CURRENT_LIST_DIR}/cofferDependencies.cmake")

# Finds what a component needs and defines its target: coffer_<component>, and for everyone else its name in coffer::.
# All of them are INTERFACE libraries over one include directory; they differ in what they link.
#
#   coffer_add_component(<component> <linked target>...)
function(coffer_add_component component)
    coffer_find_dependencies(${component} problems GLOBAL)
    if(problems)
        string(TOUPPER ${component} upper)
        set(way_out)
        if(component STREQUAL "http")
            set(way_out "To do without it: -DCOFFER_WITH_HTTP=OFF -DCOFFER_WITH_LLM=OFF (llm stands on http)\n")
        elseif(component STREQUAL "core" AND problems MATCHES "Boost >=")
            set(way_out "To take standalone Asio: -DCOFFER_ASIO=standalone\n")
        elseif(component STREQUAL "core" AND problems MATCHES " Asio >=")
            set(way_out "To take Boost.Asio: -DCOFFER_ASIO=boost\n")
        elseif(DEFINED COFFER_WITH_${upper})
            set(way_out "To do without it: -DCOFFER_WITH_${upper}=OFF\n")
        endif()
        message(FATAL_ERROR "${coffer_${component}_target} cannot be built. It needs:\n${problems}${way_out}")
    endif()
    add_library(coffer_${component} INTERFACE)
    add_library(${coffer_${component}_target} ALIAS coffer_${component})
    target_link_libraries(coffer_${component} INTERFACE ${ARGN})
    coffer_compile_once(${component} coffer_${component})
endfunction()
