// SPDX-License-Identifier: BSL-1.0
#pragma once
// The only file that knows Asio's versions and namespace: standalone Asio, or Boost.Asio where COFFER_USE_BOOST_ASIO is
// defined. Everything else says `asio::` inside `coffer`, and COFFER_ASIO_HEADER(post.hpp) for a header of its own.

#include <coffer/config.hpp>

#if defined(COFFER_USE_BOOST_ASIO)
#if !__has_include(<boost/asio/version.hpp>)
#error \
    "COFFER_USE_BOOST_ASIO is defined, and there is no <boost/asio.hpp>: put Boost 1.79 or newer into the include path"
#endif
#include <boost/asio/version.hpp>
#define COFFER_ASIO_HEADER(file) <boost/asio/file>
#if BOOST_ASIO_VERSION < 102201
#error \
    "coffer needs Boost 1.79 or newer (Debian 12: libboost1.81-dev); this one is older. Standalone Asio, without COFFER_USE_BOOST_ASIO, works beside any Boost"
#endif
#if defined(__clang__) && BOOST_ASIO_VERSION < 102600 && \
    !(defined(BOOST_ASIO_HAS_CO_AWAIT) && defined(BOOST_ASIO_HAS_STD_COROUTINE))
#error \
    "clang with Boost before 1.81 needs -DBOOST_ASIO_HAS_CO_AWAIT=1 -DBOOST_ASIO_HAS_STD_COROUTINE=1 (the CMake target coffer::coffer sets both)"
#endif
#else
#if !__has_include(<asio/version.hpp>)
#error \
    "coffer needs Asio 1.22.1 or newer (package libasio-dev); or define COFFER_USE_BOOST_ASIO, and it takes Boost.Asio 1.79 or newer"
#endif
#include <asio/version.hpp>
/// A header of whichever Asio it is: `#include COFFER_ASIO_HEADER(post.hpp)`.
#define COFFER_ASIO_HEADER(file) <asio/file>
#if ASIO_VERSION < 102201
#error \
    "coffer needs Asio 1.22.1 or newer; this one is older. libasio-dev of Debian 12 or Ubuntu 24.04 will do, or any newer Asio found before this one (-I, with CMake ASIO_ROOT)"
#endif
#if !defined(__cpp_rtti) && !defined(ASIO_NO_TYPEID)
#error "with -fno-rtti standalone Asio needs -DASIO_NO_TYPEID, and both the whole program"
#endif
#if defined(ASIO_ENABLE_BOOST)
#error \
    "coffer needs Asio without ASIO_ENABLE_BOOST: define ASIO_STANDALONE, or COFFER_USE_BOOST_ASIO to take Boost.Asio"
#endif
#if defined(__clang__) && ASIO_VERSION < 102600 && !(defined(ASIO_HAS_CO_AWAIT) && defined(ASIO_HAS_STD_COROUTINE))
#error \
    "clang with Asio before 1.26 needs -DASIO_HAS_CO_AWAIT=1 -DASIO_HAS_STD_COROUTINE=1 (the CMake target coffer::coffer sets both)"
#endif
#endif

#include COFFER_ASIO_HEADER(any_io_executor.hpp)
#include COFFER_ASIO_HEADER(associated_cancellation_slot.hpp)
#include COFFER_ASIO_HEADER(associated_executor.hpp)
#include COFFER_ASIO_HEADER(async_result.hpp)
#include COFFER_ASIO_HEADER(awaitable.hpp)
#include COFFER_ASIO_HEADER(bind_cancellation_slot.hpp)
#include COFFER_ASIO_HEADER(cancellation_signal.hpp)
#include COFFER_ASIO_HEADER(co_spawn.hpp)
#include COFFER_ASIO_HEADER(detached.hpp)
#include COFFER_ASIO_HEADER(error.hpp)
#include COFFER_ASIO_HEADER(execution_context.hpp)
#include COFFER_ASIO_HEADER(post.hpp)
#include COFFER_ASIO_HEADER(steady_timer.hpp)
#include COFFER_ASIO_HEADER(strand.hpp)
#include COFFER_ASIO_HEADER(this_coro.hpp)
#include COFFER_ASIO_HEADER(use_awaitable.hpp)

#include <system_error>

namespace coffer::inline COFFER_ABI {

#if defined(COFFER_USE_BOOST_ASIO)
namespace asio = ::boost::asio;
#else
namespace asio = ::asio;
#endif

/// `asio::awaitable` on any executor unless another is named.
template <class T, class Executor = asio::any_io_executor>
using awaitable = asio::awaitable<T, Executor>;

namespace detail {

// What Asio reports and throws. Either code can be read as a std::error_code.
#if defined(COFFER_USE_BOOST_ASIO)
using asio_error_code = ::boost::system::error_code;
using asio_system_error = ::boost::system::system_error;
using boost_system_error = ::boost::system::system_error;
#else
using asio_error_code = std::error_code;
using asio_system_error = std::system_error;
/// Nobody throws it: without Boost.Asio nothing is known of Boost's errors.
struct boost_system_error {
    [[nodiscard]] std::error_code code() const noexcept { return {}; }
    [[nodiscard]] char const* what() const noexcept { return ""; }
};
#endif

}  // namespace detail

}  // namespace coffer::inline COFFER_ABI
