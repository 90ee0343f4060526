// SPDX-License-Identifier: BSL-1.0
// says: coffer: this completion token does not say where the call shall run: give it an executor, asio::bind_executor(io, token)
#include <coffer/call/pipeline.hpp>

#include <asio/bind_executor.hpp>
#include <asio/io_context.hpp>
#include <asio/use_future.hpp>

inline coffer::awaitable<int> next(int x) { co_return x + 1; }
inline auto const ask = coffer::pipeline{}.wrap(&next);

inline auto begin(asio::io_context& io, coffer::call& c) {
#ifdef COFFER_COMPILE_FAIL_FIXED
    return ask.async_call(c, 1, asio::bind_executor(io, asio::use_future));
#else
    (void)io;
    return ask.async_call(c, 1, asio::use_future);
#endif
}
