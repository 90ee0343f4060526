// SPDX-License-Identifier: BSL-1.0
// expect: must return a coffer::fault, or std::optional of one
#include <coffer/call/pipeline.hpp>

struct http_error {
    int status;
};
inline coffer::awaitable<int> ask() { co_return 1; }

#ifdef COFFER_COMPILE_FAIL_FIXED
auto const right =
    coffer::describe(&ask).classify([](http_error const&) { return coffer::fault{coffer::fault_kind::overloaded}; });
#else
auto const wrong = coffer::describe(&ask).classify([](http_error const& e) { return e.status; });
#endif
