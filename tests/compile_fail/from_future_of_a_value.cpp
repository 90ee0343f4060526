// SPDX-License-Identifier: BSL-1.0
// says: coffer: from_future takes a function that returns a future (anything with a get()); one that returns the value itself is made an operation by from_blocking
// alone
#include <coffer/call/from_blocking.hpp>
#include <coffer/call/pipeline.hpp>

#include <asio/thread_pool.hpp>

auto ask(asio::thread_pool& threads, coffer::call& call) {
    auto const twice = [](int n) { return 2 * n; };
#ifdef COFFER_COMPILE_FAIL_FIXED
    auto const operation = coffer::from_blocking(threads.get_executor(), twice);
#else
    auto const operation = coffer::from_future(threads.get_executor(), twice);
#endif
    return coffer::pipeline{}.wrap(operation).try_call(call, 7);
}
