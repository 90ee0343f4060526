// SPDX-License-Identifier: BSL-1.0
// says: coffer: the hook of describe(fn).fingerprint(...) must be callable as (args...) -> coffer::fingerprint, as a const object
#include <coffer/coffer.hpp>

#include <string>

inline coffer::awaitable<std::string> chat(std::string const& prompt) { co_return prompt; }

inline coffer::guarded<std::string(std::string const&)> make(coffer::store db) {
#ifdef COFFER_COMPILE_FAIL_FIXED
    auto const print = [](std::string const& prompt) { return coffer::fingerprint{}.with("prompt", prompt); };
#else
    auto const print = [](std::string const& prompt) { return prompt; };
#endif
    return coffer::pipeline{coffer::once{db}, coffer::retry{}}.wrap(coffer::describe(&chat).fingerprint(print));
}
