// SPDX-License-Identifier: BSL-1.0
// says: coffer: async_call(call, args..., token) needs a completion token after the operation's arguments, e.g. asio::bind_executor(io, asio::use_future)
// alone
#include <coffer/call/pipeline.hpp>

#include <asio/bind_executor.hpp>
#include <asio/io_context.hpp>
#include <asio/use_future.hpp>

coffer::awaitable<int> operation(int n) { co_return n; }

void ask(asio::io_context& io) {
    auto const ask = coffer::pipeline{}.wrap(operation);
#ifdef COFFER_COMPILE_FAIL_FIXED
    auto later = ask.async_call(coffer::call::unkeyed(), 7, asio::bind_executor(io, asio::use_future));
#else
    (void)io;
    ask.async_call(coffer::call::unkeyed(), 7);
#endif
}
