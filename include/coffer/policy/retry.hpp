// SPDX-License-Identifier: BSL-1.0
#pragma once
// Tries again where that can help, and nowhere else.
//
//     coffer::retry{}                                   // the defaults, see defaults.hpp
//     coffer::retry{{.attempts = 6, .ambiguous_delay = 10s}}
//     coffer::retry{{}, [](coffer::fault const& f, int attempt) { return coffer::retry_decision::by_table(); }}
//     coffer::retry{{}, shared_quota}                   // with others: see retry_quota.hpp

#include <coffer/call/gate.hpp>
#include <coffer/policy/changeable.hpp>
#include <coffer/policy/retry_quota.hpp>
#include <coffer/policy/retry_text.hpp>
#include <coffer/state/retry_rule.hpp>
#include <coffer/time/random.hpp>

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <functional>
#include <memory>
#include <stdexcept>
#include <utility>

namespace coffer::inline COFFER_ABI {

/// A gate that asks for another attempt when one failed in a way that another can mend.
///
/// Decided by the fault table, by what is known of execution and billing, and by the user's rule, if there is one
/// (`(fault const&, int attempts_made) -> retry_decision`; if it throws, the fault is not retried). It never sleeps past
/// the call's deadline: it fails at once with the last real fault, and `fault::stop()` says why. Attempts that may have
/// been billed are counted against `max_sends`, or, under a journal, against the journal's own limit.
///
/// Where a call is handed down through several pipelines, all their retries together make no more attempts and sends than
/// the outermost one allows; at each alternative of a fallback attempts count anew. Calls share the retry quota and nothing else: a quota of this policy
/// and its copies, unless another is given.
///
/// A handle: copies share options and quota. Any thread.
class retry {
public:
    /// `(fault const&, int attempts_made) -> retry_decision`. Called from whichever thread the call runs on; if it
    /// throws, the fault
    /// is not retried.
    using rule = std::function<retry_decision(fault const&, int attempts_made)>;

    /// A journal stands outside it, limits and budgets inside.
    static constexpr policy_traits traits{.multiplies_sends = true};

    /// Throws `std::invalid_argument` for options that cannot be meant.
    explicit retry(retry_options const& options = {}, rule user = {}, retry_quota quota = retry_quota{})
        : settings_{std::make_shared<settings>((check(options), options), std::move(user), std::move(quota))} {}
    /// Without a rule, and with a quota that others may share. Throws `std::invalid_argument` as the other one.
    retry(retry_options const& options, retry_quota quota) : retry{options, rule{}, std::move(quota)} {}
    retry(retry const&) = default;  // and no moves: a handle that was moved from is one, too
    retry& operator=(retry const&) = default;

    /// Other options for this one and its copies, in all pipelines. Throws `std::invalid_argument` for what cannot be meant;
    /// the old ones stay then. Rule and quota stay in any case.
    ///
    /// Every decision from now on is made by the new ones, also for calls under way: what they have tried before counts. A
    /// delay that has been decided is slept to its end, and `attempt_timeout` holds for calls that begin.
    void change(retry_options const& options) const {
        check(options);
        settings_->options.set(options, [this, &options] {
            settings_->attempt_timeout.store(options.attempt_timeout.count(), std::memory_order_relaxed);
        });
    }
    /// As last changed.
    [[nodiscard]] retry_options options() const { return *settings_->options.read(); }
    /// What copies have in common.
    [[nodiscard]] void const* state() const noexcept { return settings_.get(); }

    /// What `to_string` and `<<` print.
    void describe(composition& to) const {
        to.name("retry");
        detail::describe_into(to, options());
        if (settings_->user) to.with("a rule");
        settings_->quota.describe(to);
    }

private:
    struct settings {
        settings(retry_options const& o, rule r, retry_quota q)
            : options{o}, attempt_timeout{o.attempt_timeout.count()}, user{std::move(r)}, quota{std::move(q)} {}
        detail::changeable<retry_options> options;
        std::atomic<duration::rep> attempt_timeout;  // every call reads it, failed or not
        rule user;
        retry_quota quota;
    };

    static void check(retry_options const& o) {
        if (o.attempts < 1) throw std::invalid_argument{"coffer::retry: attempts counts the first one too: at least 1"};
        if (o.max_sends < 1) throw std::invalid_argument{"coffer::retry: max_sends must be at least 1"};
        if (o.attempt_timeout <= duration::zero())
            throw std::invalid_argument{"coffer::retry: attempt_timeout must be longer than zero"};
        if (o.ambiguous_delay < duration::zero())
            throw std::invalid_argument{"coffer::retry: a delay cannot be negative"};
        if (o.hint_ceiling < duration::zero())
            throw std::invalid_argument{
                "coffer::retry: hint_ceiling cannot be negative; 0s ends every call that is given a hint"};
        if (!(o.hint_spread >= 0 && o.hint_spread <= 1) || !(o.ambiguous_spread >= 0 && o.ambiguous_spread <= 10))
            throw std::invalid_argument{
                "coffer::retry: hint_spread must be between 0 and 1, ambiguous_spread between 0 and 10"};
        o.schedule.check();
        o.schedule_for.check();
    }

public:
    /// Follows one call through its attempts.
    class ticket {
    public:
        /// Made by `try_enter`.
        explicit ticket(settings const& s) noexcept : settings_{&s} {}

        /// Decides whether another attempt is made, after which delay, or why none is.
        verdict settle(attempt_end const& end, attempt& a) noexcept {
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
            constexpr wait_reason reasons[] = {wait_reason::backoff, wait_reason::provider_hint,
                                               wait_reason::ambiguous_floor, wait_reason::repair};
            return verdict::again(decided.delay, reasons[static_cast<std::size_t>(decided.source)]);
        }

    private:
        [[nodiscard]] retry_verdict decide(fault const& why, time_point at, int made, int unproven,
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
        [[nodiscard]] retry_decision ask_user(fault const& why, int made) const noexcept {
            if (!settings_->user) return retry_decision::by_table();
            try {
                return settings_->user(why, made);
            } catch (...) {
                return retry_decision::no();
            }
        }

        settings const* settings_;
        int made_ = 0;
        int unproven_ = 0;
        int same_fault_ = 0;
        fault_kind last_{};
        bool withdrawn_ = false;  // from the quota, for an attempt that has not ended yet
        time_point began_{};  // the first attempt
        delay_schedule::memory previous_{};
    };

    /// Always in: it only sets what the attempts in here are allowed (`attempt_timeout`, `attempts`, `max_sends`).
    [[nodiscard]] admission try_enter(attempt& a, slot<ticket>& s) const {
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

private:
    std::shared_ptr<settings> settings_;
};

}  // namespace coffer::inline COFFER_ABI
