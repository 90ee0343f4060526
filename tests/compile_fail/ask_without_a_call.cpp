// SPDX-License-Identifier: BSL-1.0
// says: coffer: the first argument is the call, then come the operation's own: coffer::call call{coffer::key{"report", id}, 2min}; co_await ask(call, request), or coffer::call::unkeyed() where nothing shall be remembered
// alone
#include <coffer/call/pipeline.hpp>

coffer::awaitable<int> operation(int n) { co_return n; }

coffer::awaitable<int> ask(coffer::call& call) {
    auto const ask = coffer::pipeline{}.wrap(operation);
#ifdef COFFER_COMPILE_FAIL_FIXED
    int const got = co_await ask(call, 7);
#else
    (void)call;
    int const got = co_await ask(7);
#endif
    co_return got;
}
