// SPDX-License-Identifier: BSL-1.0
// says: coffer: guarded<R(Args...), Executor> must name what the wrapped operation gives: its R (for an operation with decode, what decode gives), and its awaitable's executor
#include <coffer/call/guarded.hpp>
#include <coffer/call/pipeline.hpp>

#include <string>

coffer::awaitable<std::string> operation(int n) { co_return std::to_string(n); }

#ifdef COFFER_COMPILE_FAIL_FIXED
coffer::guarded<std::string(int)> handle() { return coffer::pipeline{}.wrap(operation); }
#else
coffer::guarded<int(int)> handle() { return coffer::pipeline{}.wrap(operation); }
#endif
