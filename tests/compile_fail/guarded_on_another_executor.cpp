// SPDX-License-Identifier: BSL-1.0
// says: coffer: guarded<R(Args...), Executor> must name what the wrapped operation gives: its R (for an operation with decode, what decode gives), and its awaitable's executor
// alone
#include <coffer/call/guarded.hpp>

#include <asio/io_context.hpp>

using executor = asio::io_context::executor_type;

coffer::awaitable<int, executor> operation(int n) { co_return n; }

#ifdef COFFER_COMPILE_FAIL_FIXED
coffer::guarded<int(int), executor> handle() { return coffer::pipeline{}.wrap(operation); }
#else
coffer::guarded<int(int)> handle() { return coffer::pipeline{}.wrap(operation); }
#endif
