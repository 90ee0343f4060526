// SPDX-License-Identifier: BSL-1.0
#pragma once
// An operation made of a function that blocks, or that gives a future: it is run on threads for that.

#include <coffer/asio.hpp>
#include <coffer/base/fault.hpp>
#include <coffer/call/attempt.hpp>
#include <coffer/call/late_result.hpp>
#include <coffer/call/operation.hpp>

#include COFFER_ASIO_HEADER(post.hpp)

#include <concepts>
#include <exception>
#include <functional>
#include <memory>
#include <tuple>
#include <type_traits>
#include <utility>

namespace coffer::inline COFFER_ABI {
namespace detail {

template <class Executor, class Fn>
class blocking_operation {
public:
    blocking_operation(Executor on, Fn fn) : on_{std::move(on)}, fn_{std::make_shared<Fn const>(std::move(fn))} {}

    template <class... Args>
        requires std::invocable<Fn const&, send_terms const&, Args const&...> ||
                 std::invocable<Fn const&, Args const&...>
    auto operator()(attempt& a, Args const&... args) const {
        constexpr bool takes_terms = std::invocable<Fn const&, send_terms const&, Args const&...>;
        auto const invoked = [](Fn const& fn, send_terms const& terms, Args const&... held) {
            if constexpr (takes_terms) return std::invoke(fn, terms, held...);
            else return std::invoke(fn, held...);
        };
        using result = std::invoke_result_t<decltype(invoked), Fn const&, send_terms const&, Args const&...>;
        static_assert(!std::is_void_v<result>,
                      "coffer: a function that blocks must return a value, or coffer::outcome<void>");
        auto state = std::make_shared<late_call<result, Args...>>(args...);
        late_promise<result> promise{
            state, fault{fault_kind::not_sent, "the thread pool has dropped the work without running it"}};
        asio::post(on_, [state, promise, invoked, fn = fn_, terms = send_terms{a, state->stopped()}] {
            if (!state->begin()) return;  // nobody waits for it any more
            try {
                auto const begin = [&](Args const&... held) { return invoked(*fn, terms, held...); };
                state->set(std::apply(begin, state->arguments));
            } catch (...) {
                state->set_exception(std::current_exception());
            }
        });
        return result_of(std::move(state), a);
    }

private:
    Executor on_;
    std::shared_ptr<Fn const> fn_;
};

/// A thread that waits for a future.
template <class Fn>
class got {
public:
    explicit got(Fn fn) : fn_{std::move(fn)} {}
    template <class... Args>
        requires std::invocable<Fn const&, send_terms const&, Args const&...> ||
                 std::invocable<Fn const&, Args const&...>
    auto operator()(send_terms const& terms, Args const&... args) const {
        if constexpr (std::invocable<Fn const&, send_terms const&, Args const&...>)
            return waited_for(std::invoke(fn_, terms, args...));
        else return waited_for(std::invoke(fn_, args...));
    }

private:
    template <class Later>
    static auto waited_for(Later&& later) {
        constexpr bool is_future = requires { std::forward<Later>(later).get(); };
        static_assert(is_future,
                      "coffer: from_future takes a function that returns a future (anything with a get()); one that "
                      "returns the value itself is made an operation by from_blocking");
        if constexpr (is_future) return std::forward<Later>(later).get();
        else return no_result{};
    }

    Fn fn_;
};

}  // namespace detail

/// Makes an operation of a function that blocks until it has its result: `fn(args...)`, or `fn(send_terms const&, args...)`.
///
///     asio::thread_pool threads{16};
///     auto const chat = coffer::from_blocking(threads.get_executor(), [](coffer::send_terms const& terms, question const& q) {
///         return curl_easy_chat(q, terms.timeout());  // returns a value or an expected, or throws
///     });
///
/// It is run on `on`, not on the call's executor: each call takes one of its threads while it is under way, so as many calls as
/// there are threads are sent at once, and further ones wait for a thread *after* they have been admitted by every policy: put a
/// `bulkhead` of that size before them. `fn` is given copies of the arguments. A caller who leaves, or an attempt whose time is
/// over (`timed_out`), stops waiting; the thread is free when `fn` returns, so let it keep to `terms.timeout()`, or ask
/// `terms.stop_requested()`. What no thread has begun with by then is not sent (`queue_full`, or `cancelled`, not billed). Work that `on` drops without running it (a pool that is stopped) ends as `not_sent`.
template <class Executor, class Fn>
[[nodiscard]] auto from_blocking(Executor on, Fn fn) {
    return detail::blocking_operation<Executor, Fn>{std::move(on), std::move(fn)};
}

/// Makes an operation of a function that returns a future (anything whose `get()` blocks and gives the value or throws), by
/// waiting for it on `on`. See `from_blocking`.
template <class Executor, class Fn>
[[nodiscard]] auto from_future(Executor on, Fn fn) {
    return from_blocking(std::move(on), detail::got<Fn>{std::move(fn)});
}

}  // namespace coffer::inline COFFER_ABI
