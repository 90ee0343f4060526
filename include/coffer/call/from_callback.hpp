// SPDX-License-Identifier: BSL-1.0
#pragma once
// An operation made of a function that takes a callback.

#include <coffer/asio.hpp>
#include <coffer/base/fault.hpp>
#include <coffer/base/outcome.hpp>
#include <coffer/call/attempt.hpp>
#include <coffer/call/late_result.hpp>

#include <concepts>
#include <exception>
#include <functional>
#include <memory>
#include <tuple>
#include <type_traits>
#include <utility>

namespace coffer::inline COFFER_ABI {

/// What a function that `from_callback` wraps is handed: to be called once, with an `outcome<R>` (an R or a `fault` will do),
/// at once or later, from any thread. Copies are the same callback. If the last one goes without having been called, the
/// attempt ends as `aborted`, executed and billed maybe.
template <class R>
class callback {
public:
    /// Made by `from_callback`.
    explicit callback(std::shared_ptr<detail::late_result<outcome<R>>> state)
        : held_{std::move(state),
                detail::left_unknown(fault_kind::aborted, "the callback was destroyed without having been called")} {}

    /// The first call counts. False: it is not the first, or nobody waits for it any more.
    bool operator()(outcome<R> result) const { return held_.to().set(std::move(result)); }
    /// Done, and there is nothing to say.
    bool operator()() const
        requires std::is_void_v<R>
    {
        return (*this)(outcome<void>{});
    }
    /// Failed: the classifier is asked, as of any fault that an operation returns.
    bool operator()(fault why) const { return (*this)(outcome<R>{failed(std::move(why))}); }
    /// As if the operation had thrown it: the classifier, or the built-in rules, say what it means.
    bool fail(std::exception_ptr thrown) const { return held_.to().set_exception(std::move(thrown)); }

    /// `stop` is run once if the caller leaves or the attempt's time is over before there is a result: on the caller's
    /// executor, or at once where it has happened already. What it throws is dropped. One `stop`; the last one holds.
    void on_stop(std::function<void()> stop) const { held_.to().on_stop(std::move(stop)); }

private:
    detail::late_promise<outcome<R>> held_;
};

namespace detail {

template <class R, class Fn>
class callback_operation {
public:
    explicit callback_operation(Fn fn) : fn_{std::move(fn)} {}

    template <class... Args>
        requires std::invocable<Fn const&, send_terms const&, Args const&..., callback<R>> ||
                 std::invocable<Fn const&, Args const&..., callback<R>>
    awaitable<outcome<R>> operator()(attempt& a, Args const&... args) const {
        auto state = std::make_shared<late_call<outcome<R>, Args...>>(args...);
        auto const begin = [&](Args const&... held) {
            if constexpr (std::invocable<Fn const&, send_terms const&, Args const&..., callback<R>>)
                std::invoke(fn_, send_terms{a, state->stopped()}, held..., callback<R>{state});
            else std::invoke(fn_, held..., callback<R>{state});
        };
        (void)state->begin();  // it runs here and now
        std::apply(begin, state->arguments);
        return result_of(std::move(state), a);
    }

private:
    Fn fn_;
};

}  // namespace detail

/// Makes an operation of `fn(args..., callback<R>)`, or of `fn(send_terms const&, args..., callback<R>)`, a const-callable
/// function object:
///
///     auto const chat = coffer::from_callback<std::string>([&](question const& q, coffer::callback<std::string> done) {
///         auto const id = library.ask(q.text, [done](auto const& reply) { done(reply.text); });
///         done.on_stop([&library, id] { library.cancel(id); });
///     });
///     auto const ask = coffer::pipeline{coffer::retry{}}.wrap(chat);
///
/// `fn` is called on the call's executor and should return at once; what it throws is the attempt's end. It is given copies
/// of the arguments, which stay until the callback is gone: also after the caller has left, and after the attempt's
/// deadline, where the attempt ends as `timed_out`, executed and billed maybe. Under a journal give it a `codec<R>`, or let R
/// be `answer` and add a `decode` (`describe`). The pipeline, its copies and calls may be used from any thread.
template <class R, class Fn>
[[nodiscard]] auto from_callback(Fn fn) {
    return detail::callback_operation<R, Fn>{std::move(fn)};
}

}  // namespace coffer::inline COFFER_ABI
