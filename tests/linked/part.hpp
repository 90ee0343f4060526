// SPDX-License-Identifier: BSL-1.0
#pragma once
// What each part of a program that consists of several offers to the others.

#if defined(COFFER_USE_BOOST_ASIO)
#include <boost/asio/io_context.hpp>
namespace asio = boost::asio;
#else
#include <asio/io_context.hpp>
#endif

struct part {
    /// Pays for a key with the store in `file`: how many sends that took, or -1.
    int (*pay)(char const* file, char const* key);
    /// A `coffer::rate_limit*` of its own.
    void* limit;
    /// Calls through the limit of any part, on the context of another: how many sends that took, or -1.
    int (*call)(void* io_context, void* limit);
    /// Throws a `coffer::failure`.
    void (*fail)();
    /// The `coffer::clock_service*` of a context.
    void* (*clock_of)(void* io_context);
};

#define PART_NAME_(letter) part_##letter
#define PART_NAME(letter) PART_NAME_(letter)
extern "C" part const* part_a();
extern "C" part const* part_b();
