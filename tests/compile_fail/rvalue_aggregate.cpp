// SPDX-License-Identifier: BSL-1.0
// only: GNU < 13
// says: coffer: this compiler (GCC before 13) destroys a temporary aggregate in a co_await expression twice: name it first (auto request = ...; co_await ask(call, request)) or give its type a constructor
#include <coffer/call/pipeline.hpp>

#include <string>

struct request {
    std::string prompt;
};
coffer::awaitable<std::string> operation(request const& r) { co_return r.prompt; }

coffer::awaitable<std::string> ask(coffer::call& call) {
    auto const ask = coffer::pipeline{}.wrap(operation);
#ifdef COFFER_COMPILE_FAIL_FIXED
    request const named{"hello"};
    co_return co_await ask(call, named);
#else
    co_return co_await ask(call, request{"hello"});
#endif
}
