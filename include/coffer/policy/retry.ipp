// SPDX-License-Identifier: BSL-1.0
#pragma once
// Definitions of retry.hpp.

#include <coffer/policy/retry.hpp>

#include <algorithm>
#include <stdexcept>
#include <utility>

namespace coffer::inline COFFER_ABI {

COFFER_INLINE retry::retry(retry_options const& options, rule user, retry_quota quota)
    : settings_{std::make_shared<settings>((check(options), options), std::move(user), std::move(quota))} {}

COFFER_INLINE retry::retry() : retry{retry_options{}} {}

COFFER_INLINE retry::retry(retry_options const& options, retry_quota quota)
    : retry{options, rule{}, std::move(quota)} {}

COFFER_INLINE void retry::change(retry_options const& options) const {
    check(options);
    settings_->options.set(options, [this, &options] {
        settings_->attempt_timeout.store(options.attempt_timeout.count(), std::memory_order_relaxed);
    });
}

COFFER_INLINE void retry::describe(composition& to) const {
    to.name("retry");
    detail::describe_into(to, options());
    if (settings_->user) to.with("a rule");
    settings_->quota.describe(to);
}

COFFER_INLINE retry::settings::settings(retry_options const& o, rule r, retry_quota q)
    : options{o}, attempt_timeout{o.attempt_timeout.count()}, user{std::move(r)}, quota{std::move(q)} {}

COFFER_INLINE void retry::check(retry_options const& o) {
    if (o.attempts < 1) throw std::invalid_argument{"coffer::retry: attempts counts the first one too: at least 1"};
    if (o.max_sends < 1) throw std::invalid_argument{"coffer::retry: max_sends must be at least 1"};
    if (o.attempt_timeout <= duration::zero())
        throw std::invalid_argument{"coffer::retry: attempt_timeout must be longer than zero"};
    if (o.ambiguous_delay < duration::zero()) throw std::invalid_argument{"coffer::retry: a delay cannot be negative"};
    if (o.hint_ceiling < duration::zero())
        throw std::invalid_argument{
            "coffer::retry: hint_ceiling cannot be negative; 0s ends every call that is given a hint"};
    if (!(o.hint_spread >= 0 && o.hint_spread <= 1) || !(o.ambiguous_spread >= 0 && o.ambiguous_spread <= 10))
        throw std::invalid_argument{
            "coffer::retry: hint_spread must be between 0 and 1, ambiguous_spread between 0 and 10"};
    o.schedule.check();
    o.schedule_for.check();
}

COFFER_INLINE verdict retry::ticket::settle(attempt_end const& end, attempt& a) noexcept {
    // A retry that was not made after all: the caller has left, or a policy further in has refused it.
    if (std::exchange(withdrawn_, false) && end.what == attempt_end::kind::not_attempted)
        settings_->quota.give_back(end.at);
    if (end.what == attempt_end::kind::succeeded) settings_->quota.succeeded(end.at);
    if (end.what != attempt_end::kind::failed) return verdict::done();
    if (made_++ == 0) began_ = a.now();
    same_fault_ = end.why->kind() == last_ ? same_fault_ + 1 : 1;
    last_ = end.why->kind();
    if (end.why->billing() != knowledge::no) ++unproven_;
    // One quota for the whole stack: attempts do not multiply where a call is handed down to another retry.
    auto const made = std::max(made_, a.of().attempts_here());
    auto const unproven = std::max(unproven_, a.of().unproven_sends());
    auto const decided = decide(*end.why, end.at, made, unproven, a);
    if (!decided.again) return verdict::done(decided.stop);
    if (!settings_->quota.withdraw(end.at)) return verdict::done(stop_reason::quota_spent);
    withdrawn_ = true;
    previous_ = decided.drawn;
    constexpr wait_reason reasons[] = {wait_reason::backoff, wait_reason::provider_hint, wait_reason::ambiguous_floor,
                                       wait_reason::repair};
    return verdict::again(decided.delay, reasons[static_cast<std::size_t>(decided.source)]);
}

COFFER_INLINE retry_verdict retry::ticket::decide(fault const& why, time_point at, int made, int unproven,
                                                  attempt& a) const noexcept {
    auto const user = ask_user(why, made);
    auto& random = a.clock().random();
    auto const options = settings_->options.read();
    auto const& outside = a.of().allowed();
    retry_facts facts{
        .attempts_made = made,
        .attempts_allowed = outside.attempts,
        .sends_left = a.sends_left().value_or(std::min(options->max_sends, outside.sends) - unproven),
        .unproven = unproven,
        .repaired = a.of().repaired(),
        .same_fault = same_fault_,
        .user = user,
        .now = at,
        .deadline = a.of().deadline(),
        .began = began_,
        .previous = previous_,
    };
    auto const parts = schedule_after(*options, last_).size();
    for (std::size_t i = 0; i < parts; ++i) facts.draws[i] = unit_interval(random.next());
    facts.spread_draw = unit_interval(random.next());
    return decide_retry(*options, why, facts);
}

COFFER_INLINE retry_decision retry::ticket::ask_user(fault const& why, int made) const noexcept {
    if (!settings_->user) return retry_decision::by_table();
    try {
        return settings_->user(why, made);
    } catch (...) {
        return retry_decision::no();
    }
}

COFFER_INLINE admission retry::try_enter(attempt& a, slot<ticket>& s) const {
    settings_->quota.bind(a.of());
    a.limit_timeout(duration{settings_->attempt_timeout.load(std::memory_order_relaxed)});
    {
        auto const options = settings_->options.read();
        a.limit_attempts(options->attempts);
        a.limit_sends(options->max_sends);
    }
    s.emplace(*settings_);
    return admission::in();
}

}  // namespace coffer::inline COFFER_ABI
