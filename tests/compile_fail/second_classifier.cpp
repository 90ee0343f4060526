// SPDX-License-Identifier: BSL-1.0
// says: coffer: describe(fn).classify(...) was called before, and one rule would replace the other: make one rule of them, which takes a common base class, or std::exception_ptr
// alone
#include <coffer/call/pipeline.hpp>

struct http_error {
    int status;
};
struct busy {};
inline coffer::awaitable<int> ask() { co_return 1; }

auto known() {
    return coffer::describe(&ask).classify(
        [](http_error const& e) { return coffer::fault{coffer::fault_kind::ambiguous}.with_status(e.status); });
}
#ifdef COFFER_COMPILE_FAIL_FIXED
auto const right = known();
#else
auto const wrong = known().classify([](busy const&) { return coffer::fault{coffer::fault_kind::overloaded}; });
#endif
