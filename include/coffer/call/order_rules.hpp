// SPDX-License-Identifier: BSL-1.0
#pragma once
// Orders that cannot be right do not compile, with a message that says what to do; what no type tells is seen by wrap().
// The rules read only the policies' static traits.

#include <coffer/call/call.hpp>
#include <coffer/call/gate.hpp>
#include <coffer/call/layer.hpp>

#include <array>
#include <concepts>
#include <cstddef>
#include <span>
#include <tuple>

namespace coffer::inline COFFER_ABI::detail {

template <class P>
inline constexpr bool is_policy = gate<P> || traits_of<P>().journal || layer<P>;

/// Says what is wrong with something that is no policy.
template <class P>
consteval void check_policy() {
    static_assert(std::copy_constructible<P>,
                  "coffer: a policy is a handle whose copies share state: it must be copyable");
    if constexpr (requires { typename P::ticket; }) {
        static_assert(ticket<typename P::ticket>,
                      "coffer: a gate's ticket must have `coffer::verdict settle(coffer::attempt_end const&, "
                      "coffer::attempt&) noexcept`, which is told how the attempt ended");
        static_assert(gate<P> || !ticket<typename P::ticket>,
                      "coffer: a gate must have `coffer::admission try_enter(coffer::attempt&, coffer::slot<ticket>&) "
                      "const`: const, because calls from many threads share it");
    } else {
        static_assert(is_policy<P>,
                      "coffer: a policy is a gate (a ticket type and try_enter(attempt&, slot<ticket>&) const) or a "
                      "layer (operator()(call&, next) const returning awaitable<outcome<T>>)");
    }
}

/// What a pipeline contains, for a pipeline around it.
struct contents {
    bool journal = false;
    bool multiplies_sends = false;
    bool per_send = false;
    bool innermost = false;
    bool hedges = false;
};

template <class... Policies>
[[nodiscard]] consteval contents contents_of() {
    return {(traits_of<Policies>().journal || ...), (traits_of<Policies>().multiplies_sends || ...),
            (traits_of<Policies>().per_send || ...), (traits_of<Policies>().innermost || ...), false};
}

/// Does a policy for which `Outer` holds stand outside one for which `Inner` holds?
template <bool policy_traits::* Outer, bool policy_traits::* Inner, class... Policies>
[[nodiscard]] consteval bool outside() {
    bool seen = false;
    bool found = false;
    [[maybe_unused]] auto const look = [&](policy_traits t) {  // unused without policies
        found = found || (seen && t.*Inner);
        seen = seen || t.*Outer;
    };
    (look(traits_of<Policies>()), ...);
    return found;
}

template <class... Policies>
[[nodiscard]] consteval bool innermost_is_last() {
    [[maybe_unused]] std::size_t const count = sizeof...(Policies);
    [[maybe_unused]] std::size_t i = 0;
    bool right = true;
    ((right = right && (!traits_of<Policies>().innermost || i + 1 == count), ++i), ...);
    return right;
}

/// The rules inside one pipeline.
template <class... Policies>
consteval void check_order() {
    constexpr int journals = (0 + ... + (traits_of<Policies>().journal ? 1 : 0));
    static_assert(journals <= 1,
                  "coffer: two journals around one send would each permit it: keep one `once`, the outermost");
    static_assert(
        !outside<&policy_traits::multiplies_sends, &policy_traits::journal, Policies...>(),
        "coffer: `once` stands inside a policy that multiplies sends (retry, fallback, hedge), which would run the "
        "journal again for every attempt: put `once` before it");
    static_assert(
        !outside<&policy_traits::per_send, &policy_traits::multiplies_sends, Policies...>(),
        "coffer: a policy that must meet every send (rate_limit, bulkhead, budget) stands outside a policy that "
        "multiplies sends (retry, fallback, hedge) and would see only the first: put it after that one");
    static_assert(innermost_is_last<Policies...>(),
                  "coffer: `budget` must be the innermost policy: what is reserved there is sent next; put it last");
}

/// The rules across a pipeline and the pipeline that it wraps.
template <class Op, class... Policies>
consteval void check_nested_order() {
    if constexpr (requires {
                      typename Op::is_coffer_pipeline;
                      Op::order;
                  }) {
        constexpr contents outer = contents_of<Policies...>();
        constexpr contents inner = Op::order;
        static_assert(!(outer.journal && inner.journal),
                      "coffer: the wrapped pipeline has a journal of its own: keep one `once`, in the outer pipeline");
        static_assert(!(outer.multiplies_sends && inner.journal),
                      "coffer: the wrapped pipeline has a journal inside this pipeline's retry: move `once` to this "
                      "pipeline, before the retry");
        static_assert(
            !(outer.per_send && inner.multiplies_sends),
            "coffer: the wrapped pipeline multiplies sends (retry, fallback, hedge) inside this pipeline's "
            "rate_limit, bulkhead or budget, which would see only the first: move it into the wrapped pipeline");
        static_assert(!outer.innermost,
                      "coffer: `budget` must stand in the pipeline that wraps the operation itself, where it sees what "
                      "a request can cost and where its send is permitted: move it to the end of the wrapped pipeline");
    }
}

/// What `outer` contains together with `inner`.
[[nodiscard]] constexpr contents merged(contents outer, contents inner) noexcept {
    return {outer.journal || inner.journal, outer.multiplies_sends || inner.multiplies_sends,
            outer.per_send || inner.per_send, outer.innermost || inner.innermost, outer.hedges || inner.hedges};
}

/// What a wrapped pipeline tells one around it; its own nested pipeline counts too.
template <class Policies, class Op>
[[nodiscard]] consteval contents order_of() {
    auto const own = []<class... P>(std::tuple<P...>*) { return contents_of<P...>(); }(static_cast<Policies*>(nullptr));
    if constexpr (requires {
                      typename Op::is_coffer_pipeline;
                      Op::order;
                  }) {
        return merged(own, Op::order);
    } else {
        return own;
    }
}

/// The rules across a pipeline and one behind `guarded`, whose type does not tell. Throws `misuse`.
void check_erased_order(contents outer, contents inner);

/// A policy whose copies share state says which, so that it cannot stand in one pipeline twice.
template <class P>
[[nodiscard]] void const* state_of(P const& p) noexcept {
    if constexpr (requires {
                      { p.state() } -> std::convertible_to<void const*>;
                  })
        return p.state();
    else return nullptr;
}

/// Throws `misuse` if one of these stands there twice. Sorts them.
void refuse_twice(std::span<void const*> states);

/// Throws `misuse` if one state stands in a pipeline twice.
template <class... Policies>
void check_states(std::tuple<Policies...> const& policies) {
    std::apply(
        [](auto const&... p) {
            std::array<void const*, sizeof...(p)> states{state_of(p)...};
            refuse_twice(states);
        },
        policies);
}

}  // namespace coffer::inline COFFER_ABI::detail

#if !defined(COFFER_SEPARATE_COMPILATION)
#include <coffer/call/order_rules.ipp>
#endif
