// SPDX-License-Identifier: BSL-1.0
// says: coffer: a function that blocks must return a value, or coffer::outcome<void>
#include <coffer/call/from_blocking.hpp>
#include <coffer/call/pipeline.hpp>

#include <asio/thread_pool.hpp>

auto ask(asio::thread_pool& threads, coffer::call& call) {
#ifdef COFFER_COMPILE_FAIL_FIXED
    auto const send = [](int) -> coffer::outcome<void> { return {}; };
#else
    auto const send = [](int) {};
#endif
    return coffer::pipeline{}.wrap(coffer::from_blocking(threads.get_executor(), send)).try_call(call, 7);
}
