// SPDX-License-Identifier: BSL-1.0
#pragma once
// Where an API key comes from. Asked at every request, so that a rotated key is used at once; kept nowhere.
//
//     llm::api_key_from_env()                                       // OPENAI_API_KEY
//     llm::api_key_from_file("/run/secrets/openai")
//     llm::api_key{[vault] { return vault->read("openai"); }}       // -> std::string or outcome<std::string>

#include <coffer/base/outcome.hpp>

#include <concepts>
#include <cstdlib>
#include <fstream>
#include <functional>
#include <iterator>
#include <new>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

namespace coffer::inline v0::llm {

/// A source of credentials.
///
/// `read` is called on the thread that sends the request; a source that blocks for long should cache. An exception
/// there is `unauthorized`, and its text is not repeated, because nobody knows what is in it; a fault is taken as it
/// is. Nothing was sent in either case. Thread safety: `read` from any thread, if the callable allows it.
class api_key {
public:
    /// A callable that gives the key, as `std::string` or, if it may fail, as `outcome<std::string>`.
    template <class Source>
        requires(!std::same_as<std::remove_cvref_t<Source>, api_key>) &&
                std::is_invocable_r_v<outcome<std::string>, std::decay_t<Source>&>
    explicit api_key(Source&& source) : source_{std::forward<Source>(source)} {}
    /// That very key. A program's arguments and its source are no place for one: prefer the other ways.
    explicit api_key(std::string key) : source_{[k = std::move(key)] { return outcome<std::string>{k}; }} {}
    explicit api_key(char const* key) : api_key{std::string{key}} {}
    /// For servers that want none.
    [[nodiscard]] static api_key none() { return api_key{std::string{}}; }

    /// The key as it is now; empty if none is wanted.
    [[nodiscard]] outcome<std::string> read() const {
        auto const unusable = [](std::string why) { return failed(fault_kind::unauthorized, std::move(why)); };
        try {
            auto key = source_();
            if (!key) return failed(std::move(key).error().with_execution(knowledge::no).with_billing(knowledge::no));
            for (char const c : *key)
                if (c < ' ' || c > '~') return unusable("the API key holds characters that no header may");
            return key;
        } catch (std::bad_alloc const&) {
            throw;
        } catch (...) {
            return unusable("the source of the API key threw");
        }
    }

private:
    std::function<outcome<std::string>()> source_;
};

/// The environment variable, read at each request.
[[nodiscard]] inline api_key api_key_from_env(std::string variable = "OPENAI_API_KEY") {
    return api_key{[name = std::move(variable)]() -> outcome<std::string> {
        auto const* const value = std::getenv(name.c_str());
        if (value == nullptr || *value == '\0')
            return failed(fault_kind::unauthorized, "the environment variable " + name + " holds no API key");
        return std::string{value};
    }};
}

/// A file's content without white space around it, read at each request: secrets mounted into containers are rotated
/// so.
[[nodiscard]] inline api_key api_key_from_file(std::string path) {
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

}  // namespace coffer::inline v0::llm
