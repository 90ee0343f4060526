// SPDX-License-Identifier: BSL-1.0
#pragma once
// When to give up, besides attempts, sends and the deadline: small conditions that combine.
//
//     retry{{.attempts = 10, .stop = stop_after(2min) | stop_after_same_fault(3)}}
//     retry{{.attempts = 10, .stop = stop_after(30s) & stop_after_attempts(3)}}     // both: three attempts are always made

#include <coffer/base/duration_text.hpp>
#include <coffer/base/fault_kind.hpp>
#include <coffer/state/small_expression.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>

namespace coffer::inline COFFER_ABI {

/// What a stop condition is asked about, after an attempt that failed.
struct stop_facts {
    int attempts = 1;  ///< made
    int unproven = 0;  ///< of them not proven unbilled
    int same_fault = 1;  ///< as many of the last ones failed for the same kind
    fault_kind last = fault_kind::transient;  ///< of the attempt that has just ended
    std::chrono::nanoseconds elapsed{};  ///< from the first attempt's beginning until the next one would begin
};

/// Up to four conditions, combined: `a | b` holds if one of them does, `a & b` if both do. A value of fixed size. Combining more
/// than four throws `std::length_error`.
class stop_condition {
public:
    /// Never holds.
    constexpr stop_condition() : stop_condition{leaf{}} {}

    /// Holds if one of them does. Throws `std::length_error` for more than four parts.
    friend constexpr stop_condition operator|(stop_condition const& a, stop_condition const& b) {
        return stop_condition{parts::join(detail::joint::either, a.parts_, b.parts_)};
    }
    /// Holds if both do.
    friend constexpr stop_condition operator&(stop_condition const& a, stop_condition const& b) {
        return stop_condition{parts::join(detail::joint::both, a.parts_, b.parts_)};
    }

    /// Is it time to give up?
    [[nodiscard]] bool holds(stop_facts const& f) const noexcept;

    /// `after 2 min or after 3 of the same fault`; empty if it never holds.
    [[nodiscard]] std::string to_string() const;

    friend constexpr stop_condition stop_after_attempts(int n) noexcept;
    friend constexpr stop_condition stop_after_unproven(int n) noexcept;
    friend constexpr stop_condition stop_after_same_fault(int n) noexcept;
    friend constexpr stop_condition stop_after(std::chrono::nanoseconds d) noexcept;
    friend constexpr stop_condition stop_at(fault_kind k) noexcept;

private:
    enum class what : std::uint8_t { never, attempts, unproven, same_fault, elapsed, kind };
    struct leaf {
        what about = what::never;
        std::int64_t number = 0;
    };
    using parts = detail::small_expression<leaf, 4>;

    explicit constexpr stop_condition(leaf const& only) : parts_{only} {}
    explicit constexpr stop_condition(parts const& p) : parts_{p} {}

    [[nodiscard]] static bool holds(leaf const& l, stop_facts const& f) noexcept;

    [[nodiscard]] static std::string text_of(leaf const& l);

    parts parts_;
};

/// After `n` attempts.
[[nodiscard]] constexpr stop_condition stop_after_attempts(int n) noexcept {
    return stop_condition{stop_condition::leaf{stop_condition::what::attempts, n}};
}
/// After `n` attempts that are not proven unbilled.
[[nodiscard]] constexpr stop_condition stop_after_unproven(int n) noexcept {
    return stop_condition{stop_condition::leaf{stop_condition::what::unproven, n}};
}
/// After `n` attempts, one after the other, that failed for the same kind.
[[nodiscard]] constexpr stop_condition stop_after_same_fault(int n) noexcept {
    return stop_condition{stop_condition::leaf{stop_condition::what::same_fault, n}};
}
/// If the next attempt would begin more than `d` after the first.
[[nodiscard]] constexpr stop_condition stop_after(std::chrono::nanoseconds d) noexcept {
    return stop_condition{stop_condition::leaf{stop_condition::what::elapsed, d.count()}};
}
/// If the last attempt failed for that kind.
[[nodiscard]] constexpr stop_condition stop_at(fault_kind k) noexcept {
    return stop_condition{stop_condition::leaf{stop_condition::what::kind, static_cast<std::int64_t>(k)}};
}

}  // namespace coffer::inline COFFER_ABI

#if !defined(COFFER_SEPARATE_COMPILATION)
#include <coffer/state/stop_condition.ipp>
#endif
