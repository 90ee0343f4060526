// SPDX-License-Identifier: BSL-1.0
// says: coffer: the operation must return asio::awaitable<T>; wrap callbacks and futures first (from_callback, from_future, from_blocking); an awaitable of Boost.Asio's needs COFFER_USE_BOOST_ASIO, and one of standalone Asio's must be without it
#include <coffer/call/pipeline.hpp>

#ifdef COFFER_COMPILE_FAIL_FIXED
coffer::awaitable<int> operation(int n) { co_return n; }
#else
int operation(int n) { return n; }
#endif

auto ask(coffer::call& call) { return coffer::pipeline{}.wrap(operation).try_call(call, 7); }
