// SPDX-License-Identifier: BSL-1.0
#pragma once
// Definitions of hedge_rule.hpp.

#include <coffer/state/hedge_rule.hpp>

#include <stdexcept>

namespace coffer::inline COFFER_ABI {

COFFER_INLINE void hedge_options::check() const {
    using std::chrono::nanoseconds;
    auto const wrong = [](char const* what) { throw std::invalid_argument{what}; };
    if (delay <= nanoseconds::zero() || least_delay <= nanoseconds::zero())
        wrong("coffer::hedge: a delay must be longer than zero; two requests at once are two requests");
    if (percentile != 0 && !(percentile >= 50 && percentile <= 99.9))
        wrong("coffer::hedge: percentile must be from 50 to 99.9, or 0 for the fixed delay");
    if (minimum < 1) wrong("coffer::hedge: a percentile needs answers: minimum must be at least 1");
    if (window <= nanoseconds::zero()) wrong("coffer::hedge: window must be longer than zero");
    if (hedges < 1) wrong("coffer::hedge: hedges must be at least 1; without hedges leave it out");
    if (!(ratio > 0 && ratio <= 1)) wrong("coffer::hedge: ratio must be above 0 and at most 1 (a hedge for each call)");
    if (burst < 1) wrong("coffer::hedge: a burst of less than one hedge affords none");
    if (max_sends < 1) wrong("coffer::hedge: max_sends must be at least 1");
}

COFFER_INLINE hedge_credit::hedge_credit(double ratio, int burst) noexcept
    : per_call_{std::max<std::int64_t>(static_cast<std::int64_t>(ratio * static_cast<double>(one)), 1)},
      most_{burst * one},
      saved_{most_} {}

COFFER_INLINE bool hedge_credit::take() noexcept {
    if (saved_ < one) return false;
    saved_ -= one;
    return true;
}

COFFER_INLINE double hedge_credit::left() const noexcept {
    return static_cast<double>(saved_) / static_cast<double>(one);
}

COFFER_INLINE hedge_verdict decide_hedge(hedge_options const& o, hedge_facts const& f) noexcept {
    using what = hedge_verdict::what;
    if (f.started >= o.hedges) return {what::never, hedge_no::enough};
    if (!f.wanted) return {what::never, hedge_no::unwanted};
    if (f.failed && !hedge_helps(*f.failed, f.elsewhere)) return {what::never, hedge_no::cannot_help};
    if (f.left <= f.usual) return {what::never, hedge_no::too_late};
    if (f.sends_left <= 0) return {what::never, hedge_no::sends_spent};
    if (!f.sending && !f.elsewhere) return {what::later};
    return {};
}

}  // namespace coffer::inline COFFER_ABI
