// SPDX-License-Identifier: BSL-1.0
// says: coffer: the rule of describe(fn).classify(...) takes anything (auto const&), so it would decide of errors that it does not know, too: name the type of error that it knows
// alone
#include <coffer/call/pipeline.hpp>

struct http_error {
    int status;
};
inline coffer::awaitable<int> ask() { co_return 1; }

#ifdef COFFER_COMPILE_FAIL_FIXED
auto const right =
    coffer::describe(&ask).classify([](http_error const&) { return coffer::fault{coffer::fault_kind::transient}; });
#else
auto const wrong =
    coffer::describe(&ask).classify([](auto const&) { return coffer::fault{coffer::fault_kind::transient}; });
#endif
