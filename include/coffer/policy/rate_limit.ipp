// SPDX-License-Identifier: BSL-1.0
#pragma once
// Definitions of rate_limit.hpp.

#include <coffer/policy/rate_limit.hpp>

namespace coffer::inline COFFER_ABI {

COFFER_INLINE rate_limit::rate_limit(rate_limit_options options)
    : line_{std::make_shared<detail::rate_line>(options)} {}

COFFER_INLINE rate_limit::ticket::ticket(detail::rate_line& line, attempt const& a) noexcept
    : line_{&line}, call_{&a.of()}, attempts_before_{a.of().attempts()} {}

COFFER_INLINE rate_limit::ticket::~ticket() {
    if (open_) line_->abandon(place_, call_->attempts() != attempts_before_);
}

COFFER_INLINE verdict rate_limit::ticket::settle(attempt_end const& end, attempt& a) noexcept {
    if (!std::exchange(open_, false)) return verdict::done();
    detail::rate_line::news n{a.now(), end.at};
    if (end.what != attempt_end::kind::not_attempted) {
        n.passed = end.what == attempt_end::kind::succeeded;
        n.why = end.why;
        n.said = attempt_access::rate_or_null(a);
    }
    line_->settle(place_, taken_by(end), n);
    return verdict::done();
}

COFFER_INLINE rate_weight rate_limit::ticket::taken_by(attempt_end const& end) const noexcept {
    auto const& asked = place_.weight();
    auto const& rules = line_->rules_of(place_);
    auto const& o = rules.options;
    if (never_sent(end)) return {};
    if (!rules.counts_tokens) return asked;
    auto is = asked;
    if (end.used != nullptr) is = rate_weight::of(*end.used, o.cache_reads);
    else if (end.why != nullptr && end.why->billing() == knowledge::no) is = {1, 0, 0};
    return o.give_back ? is : largest(is, asked);
}

COFFER_INLINE bool rate_limit::ticket::never_sent(attempt_end const& end) noexcept {
    if (end.what != attempt_end::kind::failed) return end.what == attempt_end::kind::not_attempted;
    auto const kind = end.why->kind();
    return kind == fault_kind::not_sent ||
           (is_coffers_own(kind) && end.why->execution() == knowledge::no && end.why->billing() == knowledge::no);
}

COFFER_INLINE admission rate_limit::try_enter(attempt& a, slot<ticket>& s) const {
    line_->bind(a);
    auto& t = s.emplace(*line_, a);
    if (auto why = line_->weigh(t.place_, a)) return admission::refused(*std::move(why));
    auto taken = line_->ask(t.place_, a);
    if (!taken) return admission::refused(std::move(taken).error());
    t.open_ = true;
    return *taken ? admission::in() : admission::wait();
}

COFFER_INLINE void rate_limit::describe(composition& to) const {
    to.name("rate_limit");
    detail::describe_into(to, options());
    if (auto const n = waiting(); n > 0) to.now(std::to_string(n) + " waiting");
    if (auto const d = line_->blocked(); d > duration::zero())
        to.now("blocked by the provider for " + detail::rest_text(d));
}

}  // namespace coffer::inline COFFER_ABI
