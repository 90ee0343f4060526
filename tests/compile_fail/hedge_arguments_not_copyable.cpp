// SPDX-License-Identifier: BSL-1.0
// expect: a hedge's requests outlive their call and need copies of the arguments: make them copyable
#include <coffer/call/pipeline.hpp>
#include <coffer/policy/hedge.hpp>

#include <memory>
#include <string>

#ifdef COFFER_COMPILE_FAIL_FIXED
using prompt = std::shared_ptr<std::string>;
#else
using prompt = std::unique_ptr<std::string>;
#endif

coffer::awaitable<std::string> operation(prompt const& p) { co_return *p; }

auto ask(coffer::call& call, prompt const& p) {
    return coffer::pipeline{}.wrap(coffer::hedge{coffer::pipeline{}.wrap(operation)}).try_call(call, p);
}
