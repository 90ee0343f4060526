// SPDX-License-Identifier: BSL-1.0
#pragma once
// How long arguments live, and the two edges of a call: outcome or exception, borrowed call or call of its own.

#include <coffer/asio.hpp>
#include <coffer/base/outcome.hpp>
#include <coffer/call/call.hpp>

#include <concepts>
#include <type_traits>
#include <utility>

// GCC takes every closure in a coroutine's frame for one of an anonymous namespace and warns in whoever includes this.
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wsubobject-linkage"
#endif

namespace coffer::inline COFFER_ABI::detail {

/// GCC before 13 destroys an aggregate temporary in a `co_await` expression twice if its destructor does anything
/// (GCC PR 99576 and relatives). Closures with captures suffer too but cannot be told from other classes: name them.
template <class Arg>
inline constexpr bool safe_argument =
#if defined(__GNUC__) && !defined(__clang__) && __GNUC__ < 13
    std::is_lvalue_reference_v<Arg> || !std::is_aggregate_v<std::remove_cvref_t<Arg>> ||
    std::is_trivially_destructible_v<std::remove_cvref_t<Arg>>;
#else
    true;
#endif

template <class... Args>
consteval void check_arguments() {
    static_assert(
        (safe_argument<Args> && ...),
        "coffer: this compiler (GCC before 13) destroys a temporary aggregate in a co_await expression twice: "
        "name it first (auto request = ...; co_await ask(call, request)) or give its type a constructor");
}

/// What is called has been given something else than a call first.
template <class First>
consteval void refuse_without_call() {
    static_assert(!std::same_as<First, First>,
                  "coffer: the first argument is the call, then come the operation's own: "
                  "coffer::call call{coffer::key{\"report\", id}, 2min}; co_await ask(call, request), "
                  "or coffer::call::unkeyed() where nothing shall be remembered");
}

/// The throwing edge: exceptions are made here and nowhere else.
template <class T, class Executor>
awaitable<T, Executor> throwing(awaitable<outcome<T>, Executor> running) {
    auto result = co_await std::move(running);
    co_return value_or_throw(std::move(result));
}

/// Holds the call in its own frame, next to the arguments.
template <class... Args, class Wrapped>
auto with_own_call(Wrapped wrapped, call c, Args... args)
    -> decltype(wrapped.try_call(c, std::forward<Args>(args)...)) {
    auto running = wrapped.try_call(c, std::forward<Args>(args)...);
    co_return co_await std::move(running);
}

}  // namespace coffer::inline COFFER_ABI::detail

#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic pop
#endif
