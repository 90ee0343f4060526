# SPDX-License-Identifier: BSL-1.0
#
# cmake -Dbuild=<build directory> -Dsource=<project> -Dprefix=<directory> -Dtools=<ON|OFF> -P install.cmake
#
# Installs as who makes a package does, for /usr under DESTDIR, into an empty root; looks at what is there; and moves it to the
# prefix, from where it is used.
cmake_minimum_required(VERSION 3.21)
set(root ${prefix}.root)
file(REMOVE_RECURSE ${root} ${prefix})
set(ENV{DESTDIR} ${root})
execute_process(COMMAND ${CMAKE_COMMAND} --install ${build} --prefix /usr COMMAND_ERROR_IS_FATAL ANY OUTPUT_QUIET)

# Nothing beside what is ours.
file(GLOB_RECURSE files RELATIVE ${root} ${root}/*)
set(foreign ${files})
list(FILTER foreign EXCLUDE REGEX "^usr/(include/coffer/.*[.][hi]pp|share/(cmake/coffer|licenses/coffer)/[^/]+|share/pkgconfig/coffer[-a-z]*[.]pc)$")
if(tools)
    list(REMOVE_ITEM foreign usr/bin/coffer)
    if(NOT usr/bin/coffer IN_LIST files)
        message(FATAL_ERROR "the command is not installed")
    endif()
endif()
if(foreign)
    message(FATAL_ERROR "installed, and not known here: ${foreign}")
endif()

# Every header.
file(GLOB_RECURSE headers RELATIVE ${source}/include ${source}/include/*.[hi]pp)
foreach(header IN LISTS headers)
    if(NOT usr/include/${header} IN_LIST files)
        message(FATAL_ERROR "${header} is not installed")
    endif()
endforeach()

# No file knows where it was made, or that it was to be in /usr.
list(FILTER files EXCLUDE REGEX "^usr/(include|bin)/")
foreach(file IN LISTS files)
    file(READ ${root}/${file} text)
    foreach(place IN ITEMS ${build} ${source} ${root} "\"/usr" "=/usr")
        string(FIND "${text}" "${place}" at)
        if(NOT at EQUAL -1)
            message(FATAL_ERROR "${file} names ${place}")
        endif()
    endforeach()
endforeach()

file(RENAME ${root}/usr ${prefix})
file(REMOVE_RECURSE ${root})
