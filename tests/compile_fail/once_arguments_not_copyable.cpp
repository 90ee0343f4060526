// SPDX-License-Identifier: BSL-1.0
// says: coffer: under `once` a flight outlives its callers and needs copies of the arguments: make them copyable
#include <coffer/call/pipeline.hpp>
#include <coffer/policy/once.hpp>
#include <coffer/store/memory.hpp>

#include <memory>
#include <string>

#ifdef COFFER_COMPILE_FAIL_FIXED
using prompt = std::shared_ptr<std::string>;
#else
using prompt = std::unique_ptr<std::string>;
#endif

coffer::awaitable<std::string> operation(prompt const& p) { co_return *p; }

auto ask(coffer::memory_store const& db, coffer::call& call, prompt const& p) {
    return coffer::pipeline{coffer::once{db, coffer::unfingerprinted}}.wrap(operation).try_call(call, p);
}
