// SPDX-License-Identifier: BSL-1.0
// says: coffer: the operation must be callable as (coffer::attempt&, args...) or (args...), as a const object, with the arguments as lvalues (const ones under `once` and behind `guarded`)
#include <coffer/call/pipeline.hpp>

#include <string>

coffer::awaitable<int> operation(int n) { co_return n; }

auto ask(coffer::call& call) {
#ifdef COFFER_COMPILE_FAIL_FIXED
    int const argument = 7;
#else
    std::string const argument = "seven";
#endif
    return coffer::pipeline{}.wrap(operation).try_call(call, argument);
}
