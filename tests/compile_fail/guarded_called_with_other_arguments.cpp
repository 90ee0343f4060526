// SPDX-License-Identifier: BSL-1.0
// says: it takes the Args of guarded<R(Args...)>, nothing else
#include <coffer/call/guarded.hpp>

#include <string>

struct question {
    explicit question(std::string t) : text{std::move(t)} {}
    std::string text;
};

auto ask(coffer::guarded<std::string(question const&)> const& ask, coffer::call& call) {
#ifdef COFFER_COMPILE_FAIL_FIXED
    return ask(call, question{"why?"});
#else
    return ask(call, "why?");
#endif
}
