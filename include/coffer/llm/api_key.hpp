// SPDX-License-Identifier: BSL-1.0
#pragma once
// Where an API key comes from. Asked at every request, so that a rotated key is used at once; kept nowhere.
//
//     llm::api_key_from_env()                                       // OPENAI_API_KEY
//     llm::api_key_from_file("/run/secrets/openai")
//     llm::api_key{[vault] { return vault->read("openai"); }}       // -> std::string or outcome<std::string>
//     llm::api_key{[vault](llm::key_request why) -> coffer::awaitable<coffer::outcome<std::string>> {
//         if (why.after_refusal()) vault->forget("openai", why.refused());
//         co_return co_await vault->fetch("openai", why.deadline());
//     }}

#include <coffer/asio.hpp>
#include <coffer/base/on_use.hpp>
#include <coffer/base/outcome.hpp>
#include <coffer/time/clock.hpp>

#include <concepts>
#include <functional>
#include <iterator>
#include <memory>
#include <new>
#include <string>
#include <type_traits>
#include <utility>

namespace coffer::inline COFFER_ABI::llm {

/// Why a source is asked, and how long anybody waits for it.
class key_request {
public:
    key_request() = default;
    /// As the library asks: until when the key is of use, and the one that was refused, if one was.
    explicit key_request(time_point deadline, std::string refused = {});

    /// Has the provider just refused the key that the source gave before? Then one that is kept somewhere is of no use.
    [[nodiscard]] bool after_refusal() const noexcept { return !refused_.empty(); }
    /// That key, empty if there is none. A source that keeps keys compares: if it has another one already, somebody else
    /// has fetched it meanwhile, and there is nothing to fetch.
    [[nodiscard]] std::string const& refused() const noexcept { return refused_; }
    /// Nobody waits any longer. `time_point::max()`: no limit.
    [[nodiscard]] time_point deadline() const noexcept { return deadline_; }

private:
    time_point deadline_ = time_point::max();
    std::string refused_;
};

namespace detail {

using key_later = awaitable<outcome<std::string>>;

/// The source's answer, whether or not it wants to know why it is asked.
template <class Source>
[[nodiscard]] decltype(auto) ask_source(Source& source, key_request const& why) {
    if constexpr (std::invocable<Source&, key_request const&>) return source(why);
    else return source();
}
template <class Source>
concept asked = std::invocable<Source&, key_request const&> || std::invocable<Source&>;

template <class Source>
using key_given = decltype(ask_source(std::declval<Source&>(), std::declval<key_request const&>()));

template <class Source>
concept immediate_source = asked<Source> && std::convertible_to<key_given<Source>, outcome<std::string>>;
template <class Source>
concept coroutine_source = asked<Source> && (std::same_as<key_given<Source>, key_later> ||
                                             std::same_as<key_given<Source>, awaitable<std::string>>);

}  // namespace detail

/// A source of credentials: a callable, with or without a `key_request`, that gives the key.
///
/// What a plain function gives, as `std::string` or, if it may fail, as `outcome<std::string>`, is read on the thread that
/// sends the request; one that blocks for long should be a coroutine, which gives an `awaitable` of either. That runs on
/// a strand of its own on the executor of the call that asks, is cancelled when nobody waits for it any more, and takes
/// its `key_request` by value. An exception in either is `unauthorized`, and its text is not repeated, because nobody
/// knows what is in it; a fault is taken as it is. Nothing was sent in any case. Copies share the callable. Thread
/// safety: any thread, if the callable allows it.
class api_key {
public:
    /// Reads keys from `source`, which is copied or moved in.
    template <class Source>
        requires(!std::same_as<std::remove_cvref_t<Source>, api_key>) &&
                (detail::immediate_source<std::decay_t<Source>> || detail::coroutine_source<std::decay_t<Source>>)
    explicit api_key(Source&& source) {
        using callable = std::decay_t<Source>;
        if constexpr (detail::immediate_source<callable>) {
            read_ = std::make_shared<reader const>(
                [s = callable(std::forward<Source>(source))](key_request const& why) mutable -> outcome<std::string> {
                    return detail::ask_source(s, why);
                });
        } else {
            fetch_ = std::make_shared<fetcher const>(
                [s = callable(std::forward<Source>(source))](key_request const& why) mutable -> detail::key_later {
                    if constexpr (std::same_as<detail::key_given<callable>, detail::key_later>)
                        return detail::ask_source(s, why);
                    else return as_outcome(detail::ask_source(s, why));
                });
        }
    }
    /// That very key. A program's arguments and its source are no place for one: prefer the other ways.
    explicit api_key(std::string key);
    /// The same, of a literal.
    explicit api_key(char const* key);
    /// For servers that want none.
    [[nodiscard]] static api_key none();

    /// Must it be awaited?
    [[nodiscard]] bool is_coroutine() const noexcept { return fetch_ != nullptr; }

    /// The key as it is now; empty if none is wanted. Throws `std::logic_error` if the source is a coroutine.
    [[nodiscard]] outcome<std::string> read(key_request const& why = key_request{}) const;
    /// The same of any source. A coroutine of its own, which holds what it is given.
    template <class = on_use>
    [[nodiscard]] static awaitable<outcome<std::string>> fetch(api_key from, key_request why) {
        if (!from.is_coroutine()) co_return from.read(why);
        try {
            auto fetching = (*from.fetch_)(why);
            auto key = co_await std::move(fetching);
            co_return usable(std::move(key));
        } catch (std::bad_alloc const&) {
            throw;
        } catch (...) {
            co_return threw();
        }
    }

private:
    using reader = std::function<outcome<std::string>(key_request const&)>;
    using fetcher = std::function<detail::key_later(key_request const&)>;

    [[nodiscard]] static tl::unexpected<fault> threw() {
        return failed(fault_kind::unauthorized, "the source of the API key threw");
    }
    [[nodiscard]] static outcome<std::string> usable(outcome<std::string> key);
    template <class = on_use>
    static detail::key_later as_outcome(awaitable<std::string> given) {
        auto key = co_await std::move(given);
        co_return std::move(key);
    }

    std::shared_ptr<reader const> read_;
    std::shared_ptr<fetcher const> fetch_;
};

/// The environment variable, read at each request.
[[nodiscard]] api_key api_key_from_env(std::string variable = "OPENAI_API_KEY");

/// A file's content without white space around it, read at each request: secrets mounted into containers are rotated
/// so.
[[nodiscard]] api_key api_key_from_file(std::string path);

}  // namespace coffer::inline COFFER_ABI::llm

#if !defined(COFFER_SEPARATE_COMPILATION)
#include <coffer/llm/api_key.ipp>
#endif
