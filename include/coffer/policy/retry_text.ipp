// SPDX-License-Identifier: BSL-1.0
#pragma once
// Definitions of retry_text.hpp.

#include <coffer/policy/retry_text.hpp>

namespace coffer::inline COFFER_ABI::detail {

COFFER_INLINE std::string text_of(backoff const& b) {
    auto const base = duration_text(b.base);
    auto const cap = duration_text(b.cap);
    if (b.grow == growth::constant && b.spread == jitter::none) return b.base < b.cap ? base : cap;
    if (b.grow == growth::constant && b.spread == jitter::full) return "up to " + (b.base < b.cap ? base : cap);
    auto const* const spread = b.spread == jitter::full    ? "full jitter "
                               : b.spread == jitter::equal ? "equal jitter "
                               : b.spread == jitter::none  ? "no jitter "
                                                           : "decorrelated jitter ";
    if (b.spread == jitter::decorrelated) return spread + base + " to " + cap;
    auto const* const grows = b.grow == growth::constant ? " up to "
                              : b.grow == growth::linear ? " growing to "
                              : b.factor == 2.0          ? " doubling to "
                                                         : " multiplied up to ";
    return spread + base + grows + cap;
}

COFFER_INLINE std::string text_of(delay_schedule const& s) {
    return s.fold<std::string>([](backoff const& b) { return text_of(b); },
                               [](joint how, std::string const& a, std::string const& b) {
                                   if (how == joint::sum) return a + " + " + b;
                                   return (how == joint::either ? "the longer of (" : "the shorter of (") + a + ", " +
                                          b + ")";
                               });
}

COFFER_INLINE void describe_into(composition& to, retry_options const& o) {
    retry_options const usual;
    to.with(std::to_string(o.attempts) + (o.attempts == 1 ? " attempt" : " attempts"));
    to.with_other("max_sends", o.max_sends, usual.max_sends);
    if (auto const text = text_of(o.schedule); text != text_of(usual.schedule)) to.with(text);
    for (std::size_t i = 0; i < fault_kind_count; ++i) {
        auto const kind = static_cast<fault_kind>(i);
        if (auto const* const own = o.schedule_for.of(kind))
            to.with("after " + std::string{to_string(kind)} + " " + text_of(*own));
    }
    if (auto const stop = o.stop.to_string(); !stop.empty()) to.with("stop", stop);
    to.with_other("ambiguous_delay", o.ambiguous_delay, usual.ambiguous_delay);
    to.with_other("ambiguous_spread", o.ambiguous_spread, usual.ambiguous_spread);
    to.with_other("hint_ceiling", o.hint_ceiling, usual.hint_ceiling);
    to.with_other("hint_spread", o.hint_spread, usual.hint_spread);
    to.with_other("attempt_timeout", o.attempt_timeout, usual.attempt_timeout);
}

}  // namespace coffer::inline COFFER_ABI::detail
