// SPDX-License-Identifier: BSL-1.0
// says: coffer: the last argument of async_call must be a completion token for void(coffer::outcome<R>): a handler that takes coffer::outcome<R>, or use_future and its like
// alone
#include <coffer/call/guarded.hpp>

#include <asio/bind_executor.hpp>
#include <asio/io_context.hpp>

void ask(asio::io_context& io, coffer::guarded<int(int)> const& ask) {
#ifdef COFFER_COMPILE_FAIL_FIXED
    ask.async_call(coffer::call::unkeyed(), 7, asio::bind_executor(io, [](coffer::outcome<int>) {}));
#else
    ask.async_call(coffer::call::unkeyed(), 7, asio::bind_executor(io, [](int) {}));
#endif
}
