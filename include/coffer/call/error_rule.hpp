// SPDX-License-Identifier: BSL-1.0
#pragma once
// A user's rule for his client's errors, in whichever of the natural forms it was written.

#include <coffer/base/fault.hpp>

#include <concepts>
#include <exception>
#include <functional>
#include <optional>
#include <type_traits>
#include <utility>

namespace coffer::inline COFFER_ABI::detail {

/// What a callable that is not overloaded takes.
template <class F>
struct only_argument;
template <class R, class A>
struct only_argument<R (*)(A)> : std::type_identity<std::remove_cvref_t<A>> {};
template <class R, class A>
struct only_argument<R (*)(A) noexcept> : std::type_identity<std::remove_cvref_t<A>> {};
template <class R, class C, class A>
struct only_argument<R (C::*)(A)> : std::type_identity<std::remove_cvref_t<A>> {};
template <class R, class C, class A>
struct only_argument<R (C::*)(A) const> : std::type_identity<std::remove_cvref_t<A>> {};
template <class R, class C, class A>
struct only_argument<R (C::*)(A) noexcept> : std::type_identity<std::remove_cvref_t<A>> {};
template <class R, class C, class A>
struct only_argument<R (C::*)(A) const noexcept> : std::type_identity<std::remove_cvref_t<A>> {};
template <class F>
    requires requires { &F::operator(); }
struct only_argument<F> : only_argument<decltype(&F::operator())> {};

template <class F>
concept takes_one_type = requires { typename only_argument<F>::type; };

/// Rules say a fault, or nothing: then what is said without them holds.
template <class Said>
concept said_by_rule = std::convertible_to<Said, fault> || std::convertible_to<Said, std::optional<fault>>;
template <said_by_rule Said>
[[nodiscard]] fault said_or(Said said, fault otherwise) {
    if constexpr (std::convertible_to<Said, fault>) {
        return fault{std::move(said)};
    } else {
        std::optional<fault> known = std::move(said);
        return known ? *std::move(known) : std::move(otherwise);
    }
}

/// `F` for errors of the type E, be they returned or thrown. It knows nothing of other exceptions.
template <class E, class F>
class typed_rule {
public:
    explicit typed_rule(F rule) : rule_{std::move(rule)} {}
    [[nodiscard]] auto operator()(E const& error) const { return std::invoke(rule_, error); }
    [[nodiscard]] std::optional<fault> operator()(std::exception_ptr const& thrown) const {
        try {
            std::rethrow_exception(thrown);
        } catch (E const& error) {
            return std::invoke(rule_, error);
        } catch (...) {
            return std::nullopt;
        }
    }

private:
    F rule_;
};

/// As `classify_with` may call it.
template <class F>
[[nodiscard]] auto as_error_rule(F rule) {
    constexpr bool of_anything =
        std::invocable<F const&, std::exception_ptr const&> || std::invocable<F const&, fault const&>;
    static_assert(
        of_anything || takes_one_type<F>,
        "coffer: the rule of describe(fn).classify(...) must be callable, as a const object, with one argument: a "
        "type of error or exception (`[](http_error const& e) { ... }`), std::exception_ptr, or coffer::fault");
    if constexpr (of_anything) {
        struct nobodys_error {};
        static_assert(
            !std::invocable<F const&, nobodys_error const&>,
            "coffer: the rule of describe(fn).classify(...) takes anything (auto const&), so it would decide of errors "
            "that it does not know, too: name the type of error that it knows");
        return rule;
    } else {
        using error = typename only_argument<F>::type;
        static_assert(
            std::invocable<F const&, error const&>,
            "coffer: the rule of describe(fn).classify(...) must take its error by value or as const&, and be callable "
            "as a const object");
        static_assert(
            said_by_rule<std::invoke_result_t<F const&, error const&>>,
            "coffer: the rule of describe(fn).classify(...) must return a coffer::fault, or std::optional of one where "
            "it may know nothing");
        return typed_rule<error, F>{std::move(rule)};
    }
}

}  // namespace coffer::inline COFFER_ABI::detail
