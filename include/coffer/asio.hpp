// SPDX-License-Identifier: BSL-1.0
#pragma once
// The only file that knows Asio's versions and namespace. Everything else says `asio::` inside `coffer`.

// The first lines of the first header: what they have to say stands above everything that follows from it.
#if __cplusplus < 202002L
#error "coffer is C++20: compile with -std=c++20 or newer (the CMake target coffer::coffer asks for it)"
#endif

#include <asio/version.hpp>

#if ASIO_VERSION < 102201
#error \
    "coffer needs Asio 1.22.1 or newer; this one is older. libasio-dev of Debian 12 or Ubuntu 24.04 will do, or any newer Asio found before this one (-I, with CMake ASIO_ROOT)"
#endif
#if defined(__clang__) && ASIO_VERSION < 102600 && !(defined(ASIO_HAS_CO_AWAIT) && defined(ASIO_HAS_STD_COROUTINE))
#error \
    "clang with Asio before 1.26 needs -DASIO_HAS_CO_AWAIT=1 -DASIO_HAS_STD_COROUTINE=1 (the CMake target coffer::coffer sets both)"
#endif

#include <asio/any_io_executor.hpp>
#include <asio/associated_cancellation_slot.hpp>
#include <asio/associated_executor.hpp>
#include <asio/async_result.hpp>
#include <asio/awaitable.hpp>
#include <asio/bind_cancellation_slot.hpp>
#include <asio/cancellation_signal.hpp>
#include <asio/co_spawn.hpp>
#include <asio/detached.hpp>
#include <asio/error.hpp>
#include <asio/execution_context.hpp>
#include <asio/post.hpp>
#include <asio/steady_timer.hpp>
#include <asio/strand.hpp>
#include <asio/this_coro.hpp>
#include <asio/use_awaitable.hpp>

#include <system_error>

namespace coffer::inline v0 {

namespace asio = ::asio;

template <class T, class Executor = asio::any_io_executor>
using awaitable = asio::awaitable<T, Executor>;

}  // namespace coffer::inline v0
