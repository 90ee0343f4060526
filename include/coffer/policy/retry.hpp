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

#include <atomic>
#include <cstddef>
#include <functional>
#include <memory>

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
    explicit retry(retry_options const& options, rule user = {}, retry_quota quota = retry_quota{});
    /// With the defaults of `retry_options`, no rule, and a quota of its own.
    explicit retry();
    /// Without a rule, and with a quota that others may share. Throws `std::invalid_argument` as the other one.
    retry(retry_options const& options, retry_quota quota);
    retry(retry const&) = default;  // and no moves: a handle that was moved from is one, too
    retry& operator=(retry const&) = default;

    /// Other options for this one and its copies, in all pipelines. Throws `std::invalid_argument` for what cannot be meant;
    /// the old ones stay then. Rule and quota stay in any case.
    ///
    /// Every decision from now on is made by the new ones, also for calls under way: what they have tried before counts. A
    /// delay that has been decided is slept to its end, and `attempt_timeout` holds for calls that begin.
    void change(retry_options const& options) const;
    /// As last changed.
    [[nodiscard]] retry_options options() const { return *settings_->options.read(); }
    /// What copies have in common.
    [[nodiscard]] void const* state() const noexcept { return settings_.get(); }

    /// What `to_string` and `<<` print.
    void describe(composition& to) const;

private:
    struct settings {
        settings(retry_options const& o, rule r, retry_quota q);
        detail::changeable<retry_options> options;
        std::atomic<duration::rep> attempt_timeout;  // every call reads it, failed or not
        rule user;
        retry_quota quota;
    };

    static void check(retry_options const& o);

public:
    /// Follows one call through its attempts.
    class ticket {
    public:
        /// Made by `try_enter`.
        explicit ticket(settings const& s) noexcept : settings_{&s} {}

        /// Decides whether another attempt is made, after which delay, or why none is.
        verdict settle(attempt_end const& end, attempt& a) noexcept;

    private:
        [[nodiscard]] retry_verdict decide(fault const& why, time_point at, int made, int unproven,
                                           attempt& a) const noexcept;
        [[nodiscard]] retry_decision ask_user(fault const& why, int made) const noexcept;

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
    [[nodiscard]] admission try_enter(attempt& a, slot<ticket>& s) const;

private:
    std::shared_ptr<settings> settings_;
};

}  // namespace coffer::inline COFFER_ABI

#if !defined(COFFER_SEPARATE_COMPILATION)
#include <coffer/policy/retry.ipp>
#endif
