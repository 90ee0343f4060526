// SPDX-License-Identifier: BSL-1.0
#pragma once
// What a pipeline and an operation are once they are wrapped: immutable, shared by all calls and by flights.

#include <coffer/call/call.hpp>
#include <coffer/call/call_access.hpp>
#include <coffer/call/composition.hpp>
#include <coffer/call/event.hpp>
#include <coffer/call/operation.hpp>
#include <coffer/call/step.hpp>

#include <memory>
#include <tuple>
#include <type_traits>
#include <utility>

namespace coffer::inline COFFER_ABI::detail {

/// An operation that is itself a pipeline: the call is handed down to it.
template <class Op>
concept nested_pipeline = requires { typename Op::is_coffer_pipeline; };

template <class Op, class... Args>
struct shape : operation_traits<Op, Args...> {
    static constexpr bool hands_down = false;
};

template <nested_pipeline Op, class... Args>
struct shape<Op, Args...> {
    using returned = decltype(std::declval<Op const&>().descend(std::declval<call&>(), std::declval<Args&>()...));
    using executor_type = typename awaitable_traits<returned>::executor_type;
    using raw_type = typename awaitable_traits<returned>::value_type;
    using value_type = typename raw_type::value_type;
    static constexpr bool has_target = Op::template has_target<Args...>;
    static constexpr bool has_estimate = false;
    static constexpr bool has_fingerprint =
        !is_absent<decltype(fingerprint_of(std::declval<Op const&>(), std::declval<Args const&>()...))>;
    static constexpr bool has_decode =
        !is_absent<decltype(decode_with(std::declval<Op const&>(), std::declval<answer const&>()))>;
    static constexpr bool has_bill = false;
    static constexpr bool has_repair = false;
    static constexpr bool journalable = Op::template journalable<Args...>;
    static constexpr bool hands_down = true;
};

/// Can it be called so? If not, its shape says why.
template <class Op, class... Args>
inline constexpr bool sound = how_called<Op, std::remove_reference_t<Args>...>::sound;
template <nested_pipeline Op, class... Args>
inline constexpr bool sound<Op, Args...> = true;

/// Policies, operation and observers of one wrapped pipeline.
template <class Policies, class Op>
class core {
public:
    using policies_type = Policies;
    static constexpr bool hands_down = nested_pipeline<Op>;
    /// Types and abilities, as seen by calls with `Args...` (references or values).
    template <class... Args>
    using called_with = shape<Op, std::remove_reference_t<Args>...>;

    core(Policies p, Op op, observers w) : policies{std::move(p)}, operation{std::move(op)}, watch{std::move(w)} {}

    template <class... Args>
    void aim(attempt& a, Args&... args) const {
        if constexpr (called_with<Args...>::has_target)
            if (!attempt_access::has_target(a))
                attempt_access::set_target(
                    a, asked(a, [this](auto const&... now) { return target_of(operation, now...); }, args...));
    }

    /// The arguments that a repair has left; null if they are those that were given.
    template <class... Args>
    [[nodiscard]] std::tuple<std::decay_t<Args>...>* repaired(attempt const& a) const noexcept {
        return static_cast<std::tuple<std::decay_t<Args>...>*>(call_access::repaired(a.of(), this));
    }

    /// After an attempt that brought `raw`, which cannot be used: what to ask instead, if the operation knows.
    template <class... Args>
    void repair(attempt& a, fault const& why, answer const* raw, Args&... args) const noexcept {
        if (why.kind() != fault_kind::defective_answer) return;
        try {
            using arguments = std::tuple<std::decay_t<Args>...>;
            auto const* const before = repaired<Args...>(a);
            auto const next =
                before != nullptr ? std::make_shared<arguments>(*before) : std::make_shared<arguments>(args...);
            defect const d{why, raw, call_access::repairs(a.of())};
            if (!std::apply([&](auto&... now) { return repair_with(operation, d, now...); }, *next)) return;
            call_access::set_repaired(attempt_access::call_of(a), this, next);
        } catch (...) {  // then there is no other request, and the fault says all
        }
    }

    /// What the request is and may consume; asked for once in a walk, because the arguments do not change.
    template <class... Args>
    void size_up(attempt& a, Args&... args) const {
        using called = called_with<Args...>;
        if constexpr (called::has_estimate || called::has_fingerprint) {
            if (attempt_access::has_size(a)) return;
            estimate bound;
            std::optional<fingerprint> print;
            auto const ask = [&](auto const& hook) { return asked(a, hook, args...); };
            if constexpr (called::has_estimate)
                bound = ask([this](auto const&... now) { return estimate_of(operation, now...); });
            if constexpr (called::has_fingerprint)
                if (a.print() == nullptr)
                    print = ask([this](auto const&... now) { return fingerprint_of(operation, now...); });
            attempt_access::set_size(a, std::move(bound), std::move(print));
        }
    }

    /// Asked where every attempt passes: an event that nobody sees need not be made.
    [[nodiscard]] bool watched() const noexcept { return !watch.empty(); }
    void tell(event const& e, call const& c) const noexcept { tell_of(c, watch, e); }

    Policies policies;
    Op operation;
    observers watch;

private:
    /// `hook` of the arguments with which the operation is called now.
    template <class Hook, class... Args>
    [[nodiscard]] auto asked(attempt const& a, Hook const& hook, Args&... args) const {
        if constexpr (called_with<Args...>::has_repair)
            if (auto const* const changed = repaired<Args...>(a)) return std::apply(hook, *changed);
        return hook(args...);
    }
};

// How they are printed.

template <class... Policies>
void describe_each(composition& to, std::tuple<Policies...> const& policies) {
    to.unless_named({});
    std::apply([&to](auto const&... p) { (describe_into(to, p), ...); }, policies);
}
/// A pipeline further in goes on with its own lines.
template <class Op>
void describe_end(composition& to, Op const& op) {
    if constexpr (nested_pipeline<Op> && described_in_words<Op>) {
        op.describe(to);
    } else {
        if constexpr (is_described<Op>)
            if (op.name().empty()) return describe_end(to, op.function());
        to.end();
        describe_into(to, op);
    }
}

}  // namespace coffer::inline COFFER_ABI::detail
