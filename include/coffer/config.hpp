// SPDX-License-Identifier: BSL-1.0
#pragma once
// What every header has to know before its first line: what it is compiled with, and the name that follows from that.
//
// COFFER_USE_BOOST_ASIO, defined for the whole program, takes Boost.Asio instead of standalone Asio. (With CMake:
// -DCOFFER_ASIO=boost, which hands the definition on to whoever links coffer::coffer.)

#if __cplusplus < 202002L
#error \
    "coffer needs C++20: compile with -std=c++20 (with CMake, linking coffer::coffer asks for it; do not set an older CMAKE_CXX_STANDARD)"
#elif !defined(__cpp_exceptions)
#error "coffer needs exceptions, as Asio's coroutines do: compile without -fno-exceptions whatever includes coffer"
#endif
#if __cplusplus < 202002L || !defined(__cpp_exceptions)
/// A missing file is the one error after which compilers say nothing more.
#define COFFER_CANNOT_GO_ON <see-the-error-above>
#include COFFER_CANNOT_GO_ON
#endif

/// The inline namespace of everything. What was built with the one Asio has other names than what was built with the other:
/// both work side by side in one program, and what hands coffer's types from one to the other does not link.
#if defined(COFFER_USE_BOOST_ASIO)
#define COFFER_ABI v0_boost_asio
#else
#define COFFER_ABI v0
#endif

/// Of what there should be one in a process, also where shared objects are compiled with -fvisibility=hidden.
#define COFFER_ONE_PER_PROCESS __attribute__((visibility("default")))

/// With COFFER_SEPARATE_COMPILATION, defined for the whole program, functions that are no templates are compiled once, by
/// whichever file includes the headers in `coffer/src/`; without it, wherever they are used. A virtual function says it where it is
/// declared, too, so that without it no class has a key function, whose vtable every file would emit.
#if defined(COFFER_SEPARATE_COMPILATION)
#define COFFER_INLINE
#else
#define COFFER_INLINE inline
#endif
