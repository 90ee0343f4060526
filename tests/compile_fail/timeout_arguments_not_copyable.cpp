// SPDX-License-Identifier: BSL-1.0
// expect: left behind by `timeout` and needs copies of the arguments
#include <coffer/call/pipeline.hpp>
#include <coffer/policy/timeout.hpp>

#include <chrono>
#include <memory>
#include <string>

#ifdef COFFER_COMPILE_FAIL_FIXED
using prompt = std::shared_ptr<std::string>;
#else
using prompt = std::unique_ptr<std::string>;
#endif

coffer::awaitable<std::string> operation(prompt const& p) { co_return *p; }

auto ask(coffer::call& call, prompt const& p) {
    return coffer::pipeline{coffer::timeout{std::chrono::seconds{30}}}.wrap(operation).try_call(call, p);
}
