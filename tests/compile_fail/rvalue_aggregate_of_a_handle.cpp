// SPDX-License-Identifier: BSL-1.0
// only: GNU < 13
// expect: this compiler .GCC before 13. destroys a temporary aggregate in a co_await expression twice: name it first
#include <coffer/call/guarded.hpp>

#include <string>

struct request {
    std::string prompt;
};

coffer::awaitable<std::string> ask(coffer::guarded<std::string(request const&)> handle) {
#ifdef COFFER_COMPILE_FAIL_FIXED
    request const named{"hello"};
    co_return co_await handle(coffer::call{coffer::key{"k"}}, named);
#else
    co_return co_await handle(coffer::call{coffer::key{"k"}}, request{"hello"});
#endif
}
