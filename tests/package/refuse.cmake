# SPDX-License-Identifier: BSL-1.0
#
# cmake -Dmessage=<regex> [-Dprogram=<compiler>] -P refuse.cmake -- <arguments>: succeeds if CMake, or the compiler, fails
# with that message. CMake breaks the lines of what it says, so the message is matched with every run of white space as
# one space.
if(NOT program)
    set(program ${CMAKE_COMMAND})
endif()
set(arguments)
set(after FALSE)
math(EXPR last "${CMAKE_ARGC} - 1")
foreach(i RANGE ${last})
    if(after)
        list(APPEND arguments "${CMAKE_ARGV${i}}")
    elseif("${CMAKE_ARGV${i}}" STREQUAL "--")
        set(after TRUE)
    endif()
endforeach()

execute_process(COMMAND ${program} ${arguments} RESULT_VARIABLE result OUTPUT_VARIABLE output ERROR_VARIABLE output)
if(result EQUAL 0)
    message(FATAL_ERROR "${program} was to refuse, and did not:\n${output}")
endif()
string(REGEX REPLACE "[ \t\n]+" " " flat "${output}")
if(NOT flat MATCHES "${message}")
    message(FATAL_ERROR "${program} refused, but did not say \"${message}\":\n${output}")
endif()
