// SPDX-License-Identifier: BSL-1.0
// expect: the operation must be callable as .coffer::attempt&, args.... or .args.*as a const object
#include <coffer/call/pipeline.hpp>

struct operation {
#ifdef COFFER_COMPILE_FAIL_FIXED
    coffer::awaitable<int> operator()(int n) const { co_return n; }
#else
    coffer::awaitable<int> operator()(int n) { co_return n; }
#endif
};

auto ask(coffer::call& call) { return coffer::pipeline{}.wrap(operation{}).try_call(call, 7); }
