// SPDX-License-Identifier: BSL-1.0
#pragma once
// What is wrapped: how it is called, what it gives, and what else it offers.

#include <coffer/asio.hpp>
#include <coffer/base/answer.hpp>
#include <coffer/base/codec.hpp>
#include <coffer/base/fingerprint.hpp>
#include <coffer/base/outcome.hpp>
#include <coffer/call/attempt.hpp>
#include <coffer/call/describe.hpp>
#include <coffer/call/repair.hpp>

#include <concepts>
#include <optional>
#include <type_traits>
#include <utility>

namespace coffer::inline COFFER_ABI {

/// Usage and cost that an answer was billed for. Unknown is not zero.
struct billed {
    std::optional<coffer::usage> usage{};  ///< tokens and calls of tools; none: unknown
    std::optional<money> cost{};  ///< none: unknown; a price list may say it from the usage
};

namespace detail {

template <class Op>
inline constexpr bool is_described = false;
template <class Fn, class Hooks>
inline constexpr bool is_described<described<Fn, Hooks>> = true;

/// The callable itself, out of its description.
template <class Op>
[[nodiscard]] constexpr auto const& function_of(Op const& op) noexcept {
    if constexpr (is_described<Op>) return op.function();
    else return op;
}

template <class Says, class Hook, class... Args>
inline constexpr bool hook_for = requires(Hook const& hook, Args const&... args) {
    { hook(args...) } -> std::convertible_to<Says>;
};

/// What a hook says; something harmless after the error that it does not fit.
template <class Says, class Hook, class... Args>
Says said_by(Hook const& hook, Args const&... args) {
    if constexpr (hook_for<Says, Hook, Args...>) return Says{hook(args...)};
    else return Says{};
}

// Each hook: from the description, else a member of the operation, else `absent`. A description's that does not fit is
// told of here, before the places that use it.

template <class Op, class... Args>
auto target_of(Op const& op, Args const&... args) {
    if constexpr (is_described<Op>) {
        if constexpr (requires { op.description().target; }) {
            static_assert(hook_for<target, decltype(op.description().target), Args...>,
                          "coffer: the hook of describe(fn).target(...) must be callable as (args...) -> "
                          "coffer::target, as a const object");
            return said_by<target>(op.description().target, args...);
        } else return target_of(op.function(), args...);
    } else if constexpr (requires { op.target(args...); }) return op.target(args...);
    else return absent{};
}

template <class Op, class... Args>
auto fingerprint_of(Op const& op, Args const&... args) {
    if constexpr (is_described<Op>) {
        if constexpr (requires { op.description().fingerprint; }) {
            static_assert(hook_for<fingerprint, decltype(op.description().fingerprint), Args...>,
                          "coffer: the hook of describe(fn).fingerprint(...) must be callable as (args...) -> "
                          "coffer::fingerprint, as a const object");
            return said_by<fingerprint>(op.description().fingerprint, args...);
        } else return fingerprint_of(op.function(), args...);
    } else if constexpr (requires { op.fingerprint(args...); }) return op.fingerprint(args...);
    else return absent{};
}

template <class Op, class... Args>
auto estimate_of(Op const& op, Args const&... args) {
    if constexpr (is_described<Op>) {
        if constexpr (requires { op.description().estimate; }) {
            static_assert(hook_for<estimate, decltype(op.description().estimate), Args...>,
                          "coffer: the hook of describe(fn).estimate(...) must be callable as (args...) -> "
                          "coffer::estimate, as a const object");
            return said_by<estimate>(op.description().estimate, args...);
        } else return estimate_of(op.function(), args...);
    } else if constexpr (requires { op.estimate(args...); }) return op.estimate(args...);
    else return absent{};
}

template <class Op>
auto decode_with(Op const& op, answer const& a) {
    if constexpr (is_described<Op>) {
        if constexpr (requires { op.description().decode; }) return op.description().decode(a);
        else return decode_with(op.function(), a);
    } else if constexpr (requires { op.decode(a); }) return op.decode(a);
    else return absent{};
}

/// `what`: the answer, or of an operation without decode the result.
template <class Op, class What>
auto bill_with(Op const& op, What const& what) {
    if constexpr (is_described<Op>) {
        if constexpr (requires { op.description().bill; }) {
            static_assert(
                hook_for<billed, decltype(op.description().bill), What>,
                "coffer: the hook of describe(fn).bill(...) must be callable as (coffer::answer const&), or for an "
                "operation without decode as (R const&) -> coffer::billed, as a const object");
            return said_by<billed>(op.description().bill, what);
        } else return bill_with(op.function(), what);
    } else if constexpr (requires { op.bill(what); }) return op.bill(what);
    else return absent{};
}

/// The user's rule for `what` (an exception_ptr, an error value, a fault), or `absent`.
template <class Op, class What>
auto classify_with(Op const& op, What const& what) {
    if constexpr (is_described<Op>) {
        if constexpr (requires { op.description().classify(what); }) return op.description().classify(what);
        else return classify_with(op.function(), what);
    } else if constexpr (requires { op.classify(what); }) return op.classify(what);
    else return absent{};
}

/// Changes `args`, or says that there is nothing to be changed; `absent` if the operation cannot.
template <class Op, class... Args>
auto repair_with(Op const& op, defect const& d, Args&... args) {
    if constexpr (is_described<Op>) {
        if constexpr (requires { op.description().repair; }) {
            constexpr bool fits = requires { static_cast<bool>(op.description().repair(d, args...)); };
            static_assert(
                fits,
                "coffer: the hook of describe(fn).repair(...) must be callable as (coffer::defect const&, args&...) "
                "-> bool, with the operation's own arguments, of which it changes a copy");
            constexpr bool changes =
                sizeof...(Args) == 0 || !requires(Args... given) { op.description().repair(d, std::move(given)...); };
            static_assert(
                changes,
                "coffer: the hook of describe(fn).repair(...) takes its arguments by value or const, so that it "
                "changes nothing, and the same request would be paid for again: take them by reference, args&");
            if constexpr (fits) return static_cast<bool>(op.description().repair(d, args...));
            else return false;
        } else return repair_with(op.function(), d, args...);
    } else if constexpr (requires { op.repair(d, args...); }) return static_cast<bool>(op.repair(d, args...));
    else return absent{};
}

/// A member of a hook's name that only a non-const operation has would be passed over without a word.
template <class Fn, class... Args>
consteval bool hooks_are_const() {
    if constexpr (!std::is_class_v<Fn>) {
        return true;
    } else {
        constexpr bool target = !requires(Fn& f, Args const&... args) { f.target(args...); } ||
                                requires(Fn const& f, Args const&... args) { f.target(args...); };
        constexpr bool fingerprint = !requires(Fn& f, Args const&... args) { f.fingerprint(args...); } ||
                                     requires(Fn const& f, Args const&... args) { f.fingerprint(args...); };
        constexpr bool estimate = !requires(Fn& f, Args const&... args) { f.estimate(args...); } ||
                                  requires(Fn const& f, Args const&... args) { f.estimate(args...); };
        constexpr bool decode = !requires(Fn& f, answer const& a) { f.decode(a); } ||
                                requires(Fn const& f, answer const& a) { f.decode(a); };
        constexpr bool bill =
            !requires(Fn& f, answer const& a) { f.bill(a); } || requires(Fn const& f, answer const& a) { f.bill(a); };
        constexpr bool classify = !requires(Fn& f, std::exception_ptr const& e) { f.classify(e); } ||
                                  requires(Fn const& f, std::exception_ptr const& e) { f.classify(e); };
        return target && fingerprint && estimate && decode && bill && classify;
    }
}

template <class T>
inline constexpr bool is_absent = std::same_as<std::remove_cvref_t<T>, absent>;

/// tl::expected, std::expected and the like.
template <class T>
concept expected_like = requires(T const& e) {
    typename T::value_type;
    typename T::error_type;
    { e.has_value() } -> std::convertible_to<bool>;
    e.error();
};

template <class T>
concept outcome_like = expected_like<T> && std::same_as<typename T::error_type, fault>;

template <class T>
struct plain_value {
    using type = T;
};
template <expected_like T>
struct plain_value<T> {
    using type = typename T::value_type;
};

template <class>
struct awaitable_traits;
template <class T, class Executor>
struct awaitable_traits<asio::awaitable<T, Executor>> {
    using value_type = T;
    using executor_type = Executor;
};

template <class T>
concept is_awaitable = requires { typename awaitable_traits<std::remove_cvref_t<T>>::value_type; };

/// What a call gives that does not compile: the compiler has said why, and this keeps it from saying more.
struct no_result {
    template <class T>
    operator T() const;  // NOLINT(google-explicit-constructor)
};

/// How `Op` is called with lvalues of `Args...`, whether that can be or not.
template <class Op, class... Args>
struct how_called {
    using function = std::remove_cvref_t<decltype(function_of(std::declval<Op const&>()))>;
    static constexpr bool takes_attempt = std::invocable<function const&, attempt&, Args&...>;
    static constexpr bool callable = takes_attempt || std::invocable<function const&, Args&...>;

    static auto start(function const& fn, attempt& a, Args&... args) {
        if constexpr (takes_attempt) return fn(a, args...);
        else if constexpr (callable) return fn(args...);
        else return awaitable<no_result>{};
    }
    using given = decltype(start(std::declval<function const&>(), std::declval<attempt&>(), std::declval<Args&>()...));
    /// Else `operation_traits` says what is wrong, and nothing is made of it: that would only be refused again.
    static constexpr bool sound = callable && is_awaitable<given>;
};

template <class E>
concept has_to_fault = requires(E const& e) {
    { to_fault(e) } -> std::convertible_to<fault>;
};

}  // namespace detail

/// How `Op` (the operation, or a description of it) is called with lvalues of `Args...`, and what it offers.
template <class Op, class... Args>
struct operation_traits {
private:
    using how = detail::how_called<Op, Args...>;

public:
    /// The callable itself, without its description.
    using function = typename how::function;

    /// Is it `(attempt&, args...)`?
    static constexpr bool takes_attempt = how::takes_attempt;
    /// Else a message says what is wrong.
    static constexpr bool callable = how::callable;
    static_assert(
        callable,
        "coffer: the operation must be callable as (coffer::attempt&, args...) or (args...), as a const "
        "object, with the arguments as lvalues (const ones under `once` and behind `guarded`); what from_blocking "
        "or from_future makes of a function may take coffer::send_terms const& first");

    static_assert(detail::hooks_are_const<function, Args...>(),
                  "coffer: a member function of the operation by which it describes itself (target, fingerprint, "
                  "estimate, decode, "
                  "bill, classify) is not const: declare it const, or it would not be used");

    static_assert(
        detail::is_awaitable<typename how::given>,
        "coffer: the operation must return asio::awaitable<T>; wrap callbacks and futures first (from_callback, "
        "from_future, from_blocking); an awaitable of Boost.Asio's needs COFFER_USE_BOOST_ASIO, and one of standalone "
        "Asio's must be without it");
    /// What it gives, as it is declared; something harmless after an error.
    using returned = std::conditional_t<how::sound, typename how::given, awaitable<detail::no_result>>;
    using executor_type = typename detail::awaitable_traits<returned>::executor_type;  ///< its awaitable's
    /// What that brings: R, an expected of R, or an answer.
    using raw_type = typename detail::awaitable_traits<returned>::value_type;

    /// Does it say where a request goes?
    static constexpr bool has_target =
        !detail::is_absent<decltype(detail::target_of(std::declval<Op const&>(), std::declval<Args const&>()...))>;
    /// Does it bound what a request may consume?
    static constexpr bool has_estimate =
        !detail::is_absent<decltype(detail::estimate_of(std::declval<Op const&>(), std::declval<Args const&>()...))>;
    /// Does it say what makes two requests the same? `once` asks for it.
    static constexpr bool has_fingerprint =
        !detail::is_absent<decltype(detail::fingerprint_of(std::declval<Op const&>(), std::declval<Args const&>()...))>;
    /// Does it return raw answers, and say what is in them?
    static constexpr bool has_decode =
        !detail::is_absent<decltype(detail::decode_with(std::declval<Op const&>(), std::declval<answer const&>()))>;
    /// Can it make another request of an unusable answer?
    static constexpr bool has_repair = !detail::is_absent<decltype(detail::repair_with(
        std::declval<Op const&>(), std::declval<defect const&>(), std::declval<std::decay_t<Args>&>()...))>;
    static_assert(!has_repair || (std::copy_constructible<std::decay_t<Args>> && ...),
                  "coffer: an operation with repair changes a copy of the arguments: they must be copyable");

private:
    static consteval auto value_tag() {
        if constexpr (has_decode) {
            using decoded = decltype(detail::decode_with(std::declval<Op const&>(), std::declval<answer const&>()));
            static_assert(std::same_as<raw_type, outcome<answer>>,
                          "coffer: an operation with decode must return asio::awaitable<coffer::outcome<answer>>; a "
                          "function given "
                          "to from_blocking or from_future, coffer::outcome<coffer::answer>");
            static_assert(detail::outcome_like<decoded>, "coffer: decode must return coffer::outcome<R>");
            if constexpr (std::same_as<raw_type, outcome<answer>> && detail::outcome_like<decoded>)
                return std::type_identity<typename decoded::value_type>{};
            else return std::type_identity<detail::no_result>{};
        } else {
            return std::type_identity<typename detail::plain_value<raw_type>::type>{};
        }
    }

public:
    /// What the user gets.
    using value_type = typename decltype(value_tag())::type;
    static_assert(!std::is_reference_v<value_type>, "coffer: an operation's result must be a value, not a reference");

    /// Does it say what an answer cost, or a result if it has no decode?
    static constexpr bool has_bill = [] {
        if constexpr (!has_decode && std::is_void_v<value_type>) return false;
        else if constexpr (std::is_reference_v<value_type>) return false;
        else
            return !detail::is_absent<decltype(detail::bill_with(
                std::declval<Op const&>(), std::declval<std::conditional_t<has_decode, answer, value_type> const&>()))>;
    }();

    /// Can answers be kept by a journal?
    static constexpr bool journalable = has_decode || encodable<value_type>;
};

}  // namespace coffer::inline COFFER_ABI
