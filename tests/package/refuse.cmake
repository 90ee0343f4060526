# SPDX-License-Identifier: BSL-1.0
#
# cmake -Dmessage=<regex> -P refuse.cmake -- <arguments of cmake>: succeeds if CMake fails with that message. CMake breaks
# the lines of what it says, so the message is matched with every run of white space as one space.
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

execute_process(COMMAND ${CMAKE_COMMAND} ${arguments} RESULT_VARIABLE result OUTPUT_VARIABLE output ERROR_VARIABLE output)
if(result EQUAL 0)
    message(FATAL_ERROR "CMake was to refuse, and did not:\n${output}")
endif()
string(REGEX REPLACE "[ \t\n]+" " " flat "${output}")
if(NOT flat MATCHES "${message}")
    message(FATAL_ERROR "CMake refused, but did not say \"${message}\":\n${output}")
endif()
