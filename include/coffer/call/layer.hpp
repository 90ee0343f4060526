// SPDX-License-Identifier: BSL-1.0
#pragma once
// A layer stands around what is inside it and runs it zero, one or many times. There is nothing to derive from:
//
//     struct twice {
//         template <class Next>
//         coffer::awaitable<coffer::outcome<typename Next::value_type>> operator()(coffer::call& call, Next next) const {
//             auto first = co_await next(call);
//             if (first) co_return first;
//             co_return co_await next(call);
//         }
//     };
//
// Whatever forks (runs `next` beside something else) runs its child on a strand that it makes itself, and emits
// cancellation only there.

#include <coffer/call/gate.hpp>

#include <concepts>
#include <type_traits>

namespace coffer::inline COFFER_ABI {
namespace detail {

/// Stands for "what is inside" where a concept has to name it.
struct any_next {
    using value_type = int;
    awaitable<outcome<int>> operator()(call&) const;
};

}  // namespace detail

/// Stands around what is inside it: `operator()(call&, Next) const` is a coroutine that runs `next(call)` no, one or
/// several times, one after another, and gives an outcome of `Next::value_type`. layer.hpp begins with an example. A
/// layer is a handle, const-callable from any thread.
template <class L>
concept layer = std::copy_constructible<L> && !gate<L> && requires(L const& l, call& c, detail::any_next next) {
    { l(c, next) } -> std::same_as<awaitable<outcome<int>>>;
};

}  // namespace coffer::inline COFFER_ABI
