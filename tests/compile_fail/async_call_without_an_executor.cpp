// SPDX-License-Identifier: BSL-1.0
// says: coffer: this completion token does not say where the call shall run: give it an executor, asio::bind_executor(io, token)
#include <coffer/call/pipeline.hpp>

#include <asio/bind_executor.hpp>
#include <asio/io_context.hpp>

inline coffer::awaitable<int> next(int x) { co_return x + 1; }
inline auto const ask = coffer::pipeline{}.wrap(&next);

inline void begin(asio::io_context& io, coffer::call& c) {
    auto const handler = [](coffer::outcome<int> const&) {};
#ifdef COFFER_COMPILE_FAIL_FIXED
    ask.async_call(c, 1, asio::bind_executor(io, handler));
#else
    (void)io;
    ask.async_call(c, 1, handler);
#endif
}
