// SPDX-License-Identifier: BSL-1.0
// says: coffer: an operation's result must be a value, not a reference
#include <coffer/call/pipeline.hpp>

#ifdef COFFER_COMPILE_FAIL_FIXED
coffer::awaitable<int> operation(int& n);
#else
coffer::awaitable<int&> operation(int& n);
#endif

auto ask(coffer::call& call, int& n) { return coffer::pipeline{}.wrap(operation).try_call(call, n); }
