// SPDX-License-Identifier: BSL-1.0
// says: coffer: the operation must be callable as (coffer::attempt&, args...) or (args...), as a const object, with the arguments as lvalues (const ones under `once` and behind `guarded`)
// alone
#include <coffer/call/guarded.hpp>

#include <string>

struct question {
    explicit question(std::string t) : text{std::move(t)} {}
    std::string text;
};
coffer::awaitable<std::string> operation(question const& q) { co_return q.text; }

#ifdef COFFER_COMPILE_FAIL_FIXED
coffer::guarded<std::string(question const&)> handle() { return coffer::pipeline{}.wrap(operation); }
#else
coffer::guarded<std::string(std::string const&)> handle() { return coffer::pipeline{}.wrap(operation); }
#endif
