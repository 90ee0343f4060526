// SPDX-License-Identifier: BSL-1.0
// says: coffer: `once` cannot write results of this type down: specialise coffer::codec<R>, or give the operation a decode (describe(fn).decode(...))
#include <coffer/call/pipeline.hpp>
#include <coffer/policy/once.hpp>
#include <coffer/store/memory.hpp>

#include <string>

struct report {
    explicit report(std::string t) : text{std::move(t)} {}
    std::string text;
};

#ifdef COFFER_COMPILE_FAIL_FIXED
template <>
struct coffer::codec<report> {
    static std::string encode(report const& r) { return r.text; }
    static coffer::outcome<report> decode(std::string_view bytes) { return report{std::string{bytes}}; }
};
#endif

coffer::awaitable<report> operation() { co_return report{"paid"}; }

auto ask(coffer::memory_store const& db, coffer::call& call) {
    return coffer::pipeline{coffer::once{db, coffer::unfingerprinted}}.wrap(operation).try_call(call);
}
