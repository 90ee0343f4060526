// SPDX-License-Identifier: BSL-1.0
// says: coffer: `once` must be able to tell whether two requests under one key are the same: give the operation a fingerprint (describe(fn).fingerprint(...)), or pass coffer::unfingerprinted
#include <coffer/call/pipeline.hpp>
#include <coffer/policy/once.hpp>
#include <coffer/store/memory.hpp>

#include <string>

coffer::awaitable<std::string> operation(std::string const& prompt) { co_return prompt; }

auto ask(coffer::memory_store const& db, coffer::call& call, std::string const& prompt) {
#ifdef COFFER_COMPILE_FAIL_FIXED
    auto const print = [](std::string const& p) { return coffer::fingerprint{}.with("prompt", p); };
    auto const described = coffer::describe(operation).fingerprint(print);
#else
    auto const described = coffer::describe(operation);
#endif
    return coffer::pipeline{coffer::once{db}}.wrap(described).try_call(call, prompt);
}
