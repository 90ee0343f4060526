# SPDX-License-Identifier: BSL-1.0
#
# How our own tests, tools, examples and benchmarks are compiled. Nothing here reaches a user.

set(COFFER_CXX_STANDARD 20 CACHE STRING "The C++ standard of our own programs: 20 or 23")
set_property(CACHE COFFER_CXX_STANDARD PROPERTY STRINGS 20 23)
option(COFFER_PRECOMPILE "Compile our headers once for each of our programs; hides an #include that is missing in it" OFF)
set(COFFER_SANITIZE "" CACHE STRING "Sanitizers for our own programs: address,undefined or thread")

add_library(coffer_warnings INTERFACE)
target_compile_options(coffer_warnings INTERFACE
    -Wall -Wextra -Wpedantic -Werror
    -Wshadow -Wconversion -Wsign-conversion
    -Wnon-virtual-dtor -Woverloaded-virtual -Wold-style-cast -Wextra-semi
    # GCC 12 sees overlapping copies in std::string that are not there (GCC bug 105651).
    $<$<AND:$<CXX_COMPILER_ID:GNU>,$<VERSION_LESS:$<CXX_COMPILER_VERSION>,13>>:-Wno-restrict>
)

add_library(coffer_sanitizers INTERFACE)
if(COFFER_SANITIZE)
    target_compile_options(coffer_sanitizers INTERFACE
        -fsanitize=${COFFER_SANITIZE} -fno-sanitize-recover=all -fno-omit-frame-pointer
        # These two checks take more time to compile than all others, twice as much with GCC. A null pointer that is used
        # does not escape AddressSanitizer.
        -fno-sanitize=null,alignment
        # This warning is confused by instrumented code.
        $<$<CXX_COMPILER_ID:GNU>:-Wno-maybe-uninitialized>
    )
    target_link_options(coffer_sanitizers INTERFACE -fsanitize=${COFFER_SANITIZE})
endif()

# GCC has to compile our coroutines with more memory than it would by itself, or with a third more time.
add_library(coffer_compile_time INTERFACE)
target_compile_options(coffer_compile_time INTERFACE
    $<$<CXX_COMPILER_ID:GNU>:--param=ggc-min-heapsize=2000000>
)
# Programs with a sanitizer are large: LLVM's linker, where this compiler finds it, takes a fifth of the time for them.
include(CheckLinkerFlag)
check_linker_flag(CXX -fuse-ld=lld COFFER_HAS_LLD)
if(COFFER_HAS_LLD)
    target_link_options(coffer_compile_time INTERFACE -fuse-ld=lld)
endif()

include(${CMAKE_CURRENT_LIST_DIR}/CofferOwnAsio.cmake)

# By directory, so that no program can forget them; what coffer::... targets hand on to others is not touched.
link_libraries(coffer_warnings coffer_sanitizers coffer_compile_time)
set(CMAKE_CXX_STANDARD ${COFFER_CXX_STANDARD})
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)

# Our functions, where they are compiled once, as our programs are.
get_property(targets DIRECTORY ${PROJECT_SOURCE_DIR} PROPERTY BUILDSYSTEM_TARGETS)
foreach(library IN LISTS targets)
    if(library MATCHES "^coffer_compiled_")
        target_link_libraries(${library} PRIVATE coffer_warnings coffer_sanitizers coffer_compile_time)
        set_target_properties(${library} PROPERTIES
            CXX_STANDARD ${COFFER_CXX_STANDARD} CXX_STANDARD_REQUIRED ON CXX_EXTENSIONS OFF
        )
    endif()
endforeach()

# Adds every directory in `parent` that has a CMakeLists.txt: a new tool or example needs no entry in a list.
function(coffer_add_subdirectories parent)
    file(GLOB lists CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/${parent}/*/CMakeLists.txt)
    foreach(list IN LISTS lists)
        get_filename_component(directory ${list} DIRECTORY)
        add_subdirectory(${directory})
    endforeach()
endfunction()

# coffer_precompile(<target> <header>...): what every file of the program reads is compiled once, where that was asked for.
function(coffer_precompile target)
    if(COFFER_PRECOMPILE)
        target_precompile_headers(${target} PRIVATE ${ARGN})
    endif()
endfunction()

# coffer_headers_only(<target>): as users have coffer who ask for nothing else, however this build has it.
function(coffer_headers_only target)
    target_compile_options(${target} PRIVATE -UCOFFER_SEPARATE_COMPILATION)
endfunction()
