// SPDX-License-Identifier: BSL-1.0
#pragma once
// Definitions of api_key.hpp.

#include <coffer/llm/api_key.hpp>

#include <cstdlib>
#include <fstream>
#include <stdexcept>
#include <string_view>

namespace coffer::inline COFFER_ABI::llm {

COFFER_INLINE key_request::key_request(time_point deadline, std::string refused)
    : deadline_{deadline}, refused_{std::move(refused)} {}

COFFER_INLINE api_key::api_key(std::string key) : api_key{[k = std::move(key)] { return outcome<std::string>{k}; }} {}

COFFER_INLINE api_key::api_key(char const* key) : api_key{std::string{key}} {}

COFFER_INLINE api_key api_key::none() { return api_key{std::string{}}; }

COFFER_INLINE outcome<std::string> api_key::read(key_request const& why) const {
    if (is_coroutine()) throw std::logic_error{"coffer: this source of API keys is a coroutine; await fetch()"};
    try {
        return usable((*read_)(why));
    } catch (std::bad_alloc const&) {
        throw;
    } catch (...) {
        return threw();
    }
}

COFFER_INLINE outcome<std::string> api_key::usable(outcome<std::string> key) {
    if (!key) return failed(std::move(key).error().with_execution(knowledge::no).with_billing(knowledge::no));
    for (char const c : *key)
        if (c < ' ' || c > '~')
            return failed(fault_kind::unauthorized, "the API key holds characters that no header may");
    return key;
}

COFFER_INLINE api_key api_key_from_env(std::string variable) {
    return api_key{[name = std::move(variable)]() -> outcome<std::string> {
        auto const* const value = std::getenv(name.c_str());
        if (value == nullptr || *value == '\0')
            return failed(fault_kind::unauthorized, "the environment variable " + name + " holds no API key");
        return std::string{value};
    }};
}

COFFER_INLINE api_key api_key_from_file(std::string path) {
    return api_key{[name = std::move(path)]() -> outcome<std::string> {
        std::ifstream file{name, std::ios::binary};
        std::string text{std::istreambuf_iterator<char>{file}, {}};
        constexpr std::string_view white = " \t\r\n";
        text.erase(text.find_last_not_of(white) + 1);
        text.erase(0, text.find_first_not_of(white));
        if (text.empty()) return failed(fault_kind::unauthorized, "the file " + name + " holds no API key");
        return text;
    }};
}

}  // namespace coffer::inline COFFER_ABI::llm
