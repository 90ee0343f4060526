// SPDX-License-Identifier: BSL-1.0
#pragma once
// A call from outside of coroutines: with a callback, a future, or whatever else Asio takes as a completion token.

#include <coffer/asio.hpp>
#include <coffer/base/fault.hpp>
#include <coffer/base/outcome.hpp>
#include <coffer/call/call.hpp>
#include <coffer/call/classify.hpp>

#include COFFER_ASIO_HEADER(associator.hpp)
#include COFFER_ASIO_HEADER(system_executor.hpp)

#include <concepts>
#include <cstddef>
#include <exception>
#include <memory>
#include <optional>
#include <tuple>
#include <type_traits>
#include <utility>

// GCC takes every closure in a coroutine's frame for one of an anonymous namespace and warns in whoever includes this.
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wsubobject-linkage"
#endif

namespace coffer::inline COFFER_ABI::detail {

/// The call of another one, or one's own.
class called_by_reference {
public:
    explicit called_by_reference(call& c) noexcept : call_{&c} {}
    [[nodiscard]] call& get() const noexcept { return *call_; }

private:
    call* call_;
};
class called_by_value {
public:
    explicit called_by_value(call&& c);
    [[nodiscard]] call& get() const noexcept { return *call_; }

private:
    std::unique_ptr<call> call_;
};

/// Hands the outcome to the handler, in whose place it stands for Asio.
template <class R, class Handler>
class on_result {
public:
    on_result(std::shared_ptr<std::optional<outcome<R>>> result, Handler handler)
        : result_{std::move(result)}, handler_{std::move(handler)} {}

    /// `misuse` and `bad_alloc` are thrown on, to whoever runs the context.
    void operator()(std::exception_ptr const& thrown) {
        if (thrown && !*result_) {
            auto why = classify_exception(thrown);
            if (why.kind() == fault_kind::aborted)
                why = fault{fault_kind::cancelled, "it was cancelled before it began"};
            result_->emplace(failed(why.with_execution(knowledge::no).with_billing(knowledge::no)));
        }
        auto result = std::move(**result_);
        result_.reset();
        std::move(handler_)(std::move(result));
    }
    [[nodiscard]] Handler const& handler() const noexcept { return handler_; }

private:
    std::shared_ptr<std::optional<outcome<R>>> result_;
    Handler handler_;
};

template <class R, class Ask, class Called, class... Args>
awaitable<void> call_and_leave(Ask ask, Called called, std::shared_ptr<std::optional<outcome<R>>> to,
                               std::tuple<Args...> args) {
    auto const begin = [&](Args&... held) {
        return ask.try_call(called.get(), static_cast<std::unwrap_reference_t<Args>&>(held)...);
    };
    auto running = std::apply(begin, args);
    auto result = co_await std::move(running);
    to->emplace(std::move(result));
}

/// Begins a call for a handler. It owns everything: a token may keep it for later.
template <class R, class Ask, class Called, class... Args>
class begin_call {
public:
    begin_call(Ask ask, Called called, std::tuple<Args...> args)
        : ask_{std::move(ask)}, called_{std::move(called)}, args_{std::move(args)} {}

    template <class Handler>
    void operator()(Handler&& handler) && {
        using handler_type = std::decay_t<Handler>;
        using executor_type = asio::associated_executor_t<handler_type>;
        // An older Asio's future has an executor of its own around the system's.
        constexpr bool says_where = !std::same_as<executor_type, asio::system_executor> &&
                                    std::constructible_from<asio::any_io_executor, executor_type const&>;
        static_assert(says_where,
                      "coffer: this completion token does not say where the call shall run: give it an executor, "
                      "asio::bind_executor(io, token)");
        if constexpr (says_where) {
            auto const executor = asio::get_associated_executor(handler);
            auto result = std::make_shared<std::optional<outcome<R>>>();
            on_result<R, handler_type> done{result, std::forward<Handler>(handler)};
            auto running = call_and_leave<R>(std::move(ask_), std::move(called_), std::move(result), std::move(args_));
            asio::co_spawn(asio::any_io_executor{executor}, std::move(running), std::move(done));
        }
    }

private:
    Ask ask_;
    Called called_;
    std::tuple<Args...> args_;
};

template <class>
struct result_of_call;
template <class R, class Executor>
struct result_of_call<awaitable<outcome<R>, Executor>> {
    static_assert(
        std::same_as<Executor, asio::any_io_executor>,
        "coffer: async_call needs an operation that returns asio::awaitable<T>, without an executor type of its own");
    using type = R;
};

/// Are all of `Given` the operation's arguments, so that none is left for a token?
template <class Ask, class... Given>
[[nodiscard]] consteval bool without_token() {
    if constexpr (sizeof...(Given) == 0) {
        return true;
    } else {
        using given = std::tuple<std::unwrap_reference_t<std::decay_t<Given>>&...>;
        constexpr bool leaves_one = []<std::size_t... I>(std::index_sequence<I...>) {
            return Ask::template sound<std::tuple_element_t<I, given>...>;
        }(std::make_index_sequence<sizeof...(Given) - 1>{});
        if constexpr (leaves_one) return false;
        else return Ask::template sound<std::unwrap_reference_t<std::decay_t<Given>>&...>;
    }
}

/// The last one of `all` is the token.
template <class Ask, class Called, class... All>
auto async_call_with(Ask ask, Called called, All&&... all) {
    using given_type = std::tuple<All&&...>;
    given_type given{std::forward<All>(all)...};
    return [&]<std::size_t... I>(std::index_sequence<I...>) {
        using args_type = std::tuple<std::decay_t<std::tuple_element_t<I, given_type>>...>;
        using running = decltype(ask.try_call(
            called.get(),
            std::declval<std::unwrap_reference_t<std::decay_t<std::tuple_element_t<I, given_type>>>&>()...));
        using result = typename result_of_call<running>::type;
        // Our own copy: Asio takes tokens with a token inside, and no constant ones, as variables.
        using token_type = std::decay_t<std::tuple_element_t<sizeof...(I), given_type>>;
        constexpr bool completes = asio::completion_token_for<token_type&, void(outcome<result>)>;
        static_assert(
            completes,
            "coffer: the last argument of async_call must be a completion token for void(coffer::outcome<R>): a "
            "handler that takes coffer::outcome<R>, or use_future and its like (Boost.Asio's: see "
            "COFFER_USE_BOOST_ASIO)");
        if constexpr (completes) {
            token_type token(std::get<sizeof...(I)>(std::move(given)));
            using begin_type = begin_call<result, Ask, Called, std::decay_t<std::tuple_element_t<I, given_type>>...>;
            begin_type begin{std::move(ask), std::move(called), args_type{std::get<I>(std::move(given))...}};
            return asio::async_initiate<token_type, void(outcome<result>)>(std::move(begin), token);
        }
    }(std::make_index_sequence<sizeof...(All) - 1>{});
}

/// The last one of `all` is the token.
template <class Ask, class Called, class... All>
auto async_call(Ask ask, Called called, All&&... all) {
    constexpr bool complete = !without_token<Ask, All...>();
    static_assert(complete,
                  "coffer: async_call(call, args..., token) needs a completion token after the operation's arguments, "
                  "e.g. asio::bind_executor(io, asio::use_future)");
    if constexpr (complete) return async_call_with(std::move(ask), std::move(called), std::forward<All>(all)...);
}

}  // namespace coffer::inline COFFER_ABI::detail

/// @cond for Asio: who called is asked for executor, allocator and cancellation slot
template <template <class, class> class Associator, class R, class Handler, class Otherwise>
struct coffer::asio::associator<Associator, coffer::detail::on_result<R, Handler>, Otherwise>
    : Associator<Handler, Otherwise> {
    static auto get(coffer::detail::on_result<R, Handler> const& of,
                    Otherwise const& otherwise = Otherwise()) noexcept {
        return Associator<Handler, Otherwise>::get(of.handler(), otherwise);
    }
};
/// @endcond

#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic pop
#endif

#if !defined(COFFER_SEPARATE_COMPILATION)
#include <coffer/call/async_call.ipp>
#endif
