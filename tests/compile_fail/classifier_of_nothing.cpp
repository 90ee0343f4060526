// SPDX-License-Identifier: BSL-1.0
// expect: the rule of describe\(fn\).classify\(...\) must be callable
#include <coffer/call/pipeline.hpp>

struct http_error {
    int status;
};
inline coffer::awaitable<int> ask() { co_return 1; }

#ifdef COFFER_COMPILE_FAIL_FIXED
auto const right = coffer::describe(&ask).classify(
    [](http_error const& e) { return coffer::fault{coffer::fault_kind::overloaded}.with_status(e.status); });
#else
auto const wrong = coffer::describe(&ask).classify(
    [](http_error const& e, int) { return coffer::fault{coffer::fault_kind::overloaded}.with_status(e.status); });
#endif
