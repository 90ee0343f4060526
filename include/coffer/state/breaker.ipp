// SPDX-License-Identifier: BSL-1.0
#pragma once
// Definitions of breaker.hpp.

#include <coffer/state/breaker.hpp>

namespace coffer::inline COFFER_ABI {

COFFER_INLINE breaker::entry breaker::enter(time_point now, duration probe_limit) noexcept {
    switch (state_) {
        case circuit_state::closed: return {pass{epoch_, false}, {}};
        case circuit_state::isolated: return {};
        case circuit_state::open:
            if (now < until_) return {{}, until_ - now};
            return probe(now, probe_limit, circuit_reason::break_over);
        case circuit_state::half_open: break;
    }
    if (out_ < options_.probes) return probe(now, probe_limit, circuit_reason::none);
    if (now >= until_) return probe(now, probe_limit, circuit_reason::probes_lost);
        // Who comes back before the probes have ended comes in vain.
    auto const rest = std::max<duration>(later(last_probe_, usual_) - now, options_.breaks.first);
    return {{}, std::min(until_ - now, rest)};
}

COFFER_INLINE void breaker::abandon(pass const& p) noexcept {
    if (p.epoch == epoch_ && p.probe) --out_;
}

COFFER_INLINE void breaker::adopt(circuit_breaker_options const& o) {
    if (o.window != options_.window) counts_ = breaker_counts{o.window};
    options_ = o;
}

COFFER_INLINE void breaker::reset() noexcept {
    begin(circuit_state::closed);
    opened_ = opens_ = 0;
    last_break_ = usual_ = duration::zero();
}

COFFER_INLINE bool breaker::idle(time_point now) const noexcept {
    if (state_ == circuit_state::isolated || out_ > 0) return false;
    return now >= later(std::max(state_ == circuit_state::closed ? closed_at_ : until_, not_before_), last_break_);
}

COFFER_INLINE void breaker::begin(circuit_state s) noexcept {
    state_ = s;
    ++epoch_;
    out_ = succeeded_ = in_a_row_ = 0;
    not_before_ = until_ = last_probe_ = {};
    counts_.clear();
}

COFFER_INLINE breaker::entry breaker::probe(time_point now, duration limit, circuit_reason why) noexcept {
    if (why != circuit_reason::none) begin(circuit_state::half_open);
    ++out_;
    until_ = std::max(until_, later(now, limit));
    last_probe_ = std::max(last_probe_, now);
    return {pass{epoch_, true}, {}, why};
}

COFFER_INLINE breaker_tally const& breaker::note(end const& e, bool slow) noexcept {
    if (e.what == end::kind::success) {
        in_a_row_ = 0;
        return counts_.add(slow ? breaker_mark::slow : breaker_mark::success, e.at);
    }
    if (in_a_row_ < std::numeric_limits<int>::max()) ++in_a_row_;
    keep_hint(e);
    return counts_.add(breaker_mark::failure, e.at);
}

COFFER_INLINE void breaker::keep_hint(end const& e) noexcept {
    not_before_ = std::max(not_before_, later(e.at, std::min(e.hint, options_.hint_ceiling)));
}

COFFER_INLINE circuit_reason breaker::tripped(breaker_tally const& t) const noexcept {
    if (options_.in_a_row > 0 && in_a_row_ >= options_.in_a_row) return circuit_reason::failures_in_a_row;
    if (t.ends < options_.minimum || (t.failures == 0 && t.slow == 0)) return circuit_reason::none;
    if (reaches(t.failures, options_.failure_ratio, t.ends)) return circuit_reason::failure_ratio;
    if (reaches(t.slow, options_.slow_ratio, t.ends)) return circuit_reason::slow_ratio;
    return circuit_reason::none;
}

COFFER_INLINE bool breaker::reaches(std::int64_t part, double ratio, std::int64_t whole) noexcept {
    return static_cast<double>(part) >= ratio * static_cast<double>(whole) * (1 - 1e-12);
}

}  // namespace coffer::inline COFFER_ABI
