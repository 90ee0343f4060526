// SPDX-License-Identifier: BSL-1.0
// expect: is not const: declare it const, or it would not be used
#include <coffer/call/pipeline.hpp>

struct client {
    coffer::awaitable<int> operator()(int x) const { co_return x; }
#ifdef COFFER_COMPILE_FAIL_FIXED
    coffer::target target(int) const { return {"provider", "model"}; }
#else
    coffer::target target(int) { return {"provider", "model"}; }
#endif
};

inline auto const ask = coffer::pipeline{}.wrap(client{});
auto begin(coffer::call& c, int& x) { return ask.try_call(c, x); }
