// SPDX-License-Identifier: BSL-1.0
#pragma once
// Definitions of retry_rule.hpp.

#include <coffer/state/retry_rule.hpp>

#include <algorithm>

namespace coffer::inline COFFER_ABI {

COFFER_INLINE std::chrono::nanoseconds spread_upwards(std::chrono::nanoseconds floor, double part) noexcept {
    auto const wanted = static_cast<double>(floor.count());
    auto const more = wanted * part;
    if (!(more > 0)) return floor;
    if (wanted + more >= 9.0e18) return std::chrono::nanoseconds::max();
    return floor + std::chrono::nanoseconds{static_cast<std::int64_t>(more)};
}

COFFER_INLINE retry_verdict decide_retry(retry_options const& o, fault const& why, retry_facts const& f) noexcept {
    using enum retry_decision::kind;
    auto const stop = [](stop_reason r) { return retry_verdict{false, {}, delay_source::backoff, r, {}}; };

    bool const wanted = f.user.what() == by_table ? row(why.kind()).retry_same || f.repaired : f.user.what() != no;
    if (!wanted) return stop(stop_reason::not_retryable);
    if (f.attempts_made >= std::min(o.attempts, f.attempts_allowed)) return stop(stop_reason::attempts_spent);
    if (f.sends_left <= 0) return stop(stop_reason::sends_spent);

    retry_verdict v;
    v.again = true;
    v.drawn = f.previous;
    if (f.repaired) v.source = delay_source::repair;
    else v.delay = schedule_after(o, why.kind()).delay(static_cast<std::uint32_t>(f.attempts_made), f.draws, v.drawn);
    auto const at_least = [&](std::chrono::nanoseconds floor, delay_source source) {
        if (floor > v.delay) v.delay = floor, v.source = source;
    };
    auto hint = why.retry_after();
    if (f.user.what() == yes_after) hint = std::max(hint.value_or(f.user.floor()), f.user.floor());
    if (hint) {
        if (*hint > o.hint_ceiling) return stop(stop_reason::hint_too_long);
        at_least(spread_upwards(*hint, o.hint_spread * f.spread_draw), delay_source::provider_hint);
    }
    if (!f.repaired && (why.execution() != knowledge::no || why.billing() != knowledge::no))
        at_least(spread_upwards(o.ambiguous_delay, o.ambiguous_spread * f.spread_draw), delay_source::ambiguous_floor);
    stop_facts const facts{.attempts = f.attempts_made,
                           .unproven = f.unproven,
                           .same_fault = f.same_fault,
                           .last = why.kind(),
                           .elapsed = later(f.now, v.delay) - f.began};
    if (o.stop.holds(facts)) return stop(stop_reason::condition);
    if (f.deadline - f.now <= v.delay) return stop(stop_reason::deadline);
    return v;
}

}  // namespace coffer::inline COFFER_ABI
