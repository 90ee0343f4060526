// SPDX-License-Identifier: BSL-1.0
#pragma once
// Keeps to a provider's rate limits, and to what it says of them.
//
//     auto ask = coffer::pipeline{
//         coffer::retry{},
//         coffer::rate_limit{{.requests_per_minute = 500, .tokens_per_minute = 200'000}},
//     }.wrap(openai.chat);

#include <coffer/base/on_use.hpp>
#include <coffer/call/gate.hpp>
#include <coffer/policy/rate_line.hpp>

#include <memory>
#include <utility>

namespace coffer::inline COFFER_ABI {

/// A gate that lets an attempt in when all limits have room for it, and takes its part of all of them at once.
///
/// On entering the operation's `estimate` counts; afterwards what the answer has used: the rest is given back, what was used
/// beyond is a debt that the next ones wait for. Whoever must wait does so in line, first come, first served, however little
/// he needs; with `fair_by` tenants share the line evenly. A cancelled waiter leaves nothing behind.
///
/// It learns from the provider: a fault that says "too many requests" blocks everybody until its hint has passed, of at most
/// `hint_ceiling`, or for a growing pause; what a response says is left (`attempt::report_rate`) lowers the own count, and
/// never puts it up.
///
/// Faults of its own: `never_fits` (more than a whole limit; code `no_estimate`: nobody knows how much); `queue_full` with a
/// hint, at once, if the wait would end after the call's deadline or `max_wait` (code `wait_too_long`) or too many wait
/// already (`max_waiting`): another target may be tried. Who waits while the provider's block grows beyond that is refused then.
/// `deadline_exceeded` if a wait has become longer than it looked for another reason.
///
/// A handle: copies share the limits. Any thread, any number of contexts in one clock (`misuse` otherwise).
class rate_limit {
public:
    /// Stands inside of what multiplies sends, and reads the operation's `estimate`.
    static constexpr policy_traits traits{.per_send = true, .estimates = true};

    /// Throws `std::invalid_argument` for options that cannot be meant. Without limits it only obeys the provider's.
    explicit rate_limit(rate_limit_options options);
    rate_limit(rate_limit const&) = default;  // and no moves: a handle that was moved from is one, too
    rate_limit& operator=(rate_limit const&) = default;

    /// One attempt's part of the limits, or its place in the line.
    class ticket {
    public:
        /// Made by `try_enter`; has no part yet.
        ticket(detail::rate_line& line, attempt const& a) noexcept;
        ticket(ticket const&) = delete;
        ticket& operator=(ticket const&) = delete;
        ~ticket();

        /// Gives back what the answer did not use, or owes what was beyond it, and learns what the provider says of its
        /// limits.
        verdict settle(attempt_end const& end, attempt& a) noexcept;

    private:
        friend class rate_limit;

        /// What the provider has counted, as far as anybody knows.
        [[nodiscard]] rate_weight taken_by(attempt_end const& end) const noexcept;
        [[nodiscard]] static bool never_sent(attempt_end const& end) noexcept;

        detail::rate_line* line_;
        call const* call_;
        int attempts_before_;
        bool open_ = false;  // in line, or holding its part
        detail::rate_place place_;
    };

    /// Takes its part of all limits, or a place in the line, or is refused (`never_fits`, `queue_full`).
    [[nodiscard]] admission try_enter(attempt& a, slot<ticket>& s) const;

    /// Waits in line until its part is taken for it; ends early where the wait would be too long after all.
    template <class = on_use>
    [[nodiscard]] awaitable<outcome<void>> enter(attempt& a, slot<ticket>& s) const {
        return wait_in_line(line_, a, *s);
    }

    /// Other options for this one and its copies, in all pipelines. Throws `std::invalid_argument` for what cannot be meant;
    /// the old ones stay then.
    ///
    /// What was taken stays taken: a bucket that was half empty is half empty, and no number of changes lets more in than
    /// the largest of the limits. A limit that was not there before begins full. Who waits keeps his place in the line, and
    /// the time that he was ready to wait; his turn comes as the new limits say. Who asks for more than a whole new limit
    /// is refused at once, `never_fits`. Attempts under way are settled as they began. From the first change on each attempt
    /// takes a short lock.
    void change(rate_limit_options options) const {
        options.check();
        line_->change(options);
    }
    /// Their `fair_by` may be looked at as long as this or a copy of it lives.
    [[nodiscard]] rate_limit_options options() const { return line_->options(); }

    /// By hand: nobody waits any longer for what the provider has asked for, and the next pause is a short one again. For a
    /// block that was a mistake; the limits hold as before. What is under way and is refused blocks again.
    void unblock() const { line_->unblock(); }

    /// What `to_string` and `<<` print: its options, and how it is right now.
    void describe(composition& to) const;

    /// So many attempts wait in line right now.
    [[nodiscard]] std::size_t waiting() const { return line_->waiting(); }
    /// Would a new one do as well? All that was taken is there again, nobody waits or has to, and its options were not changed.
    [[nodiscard]] bool idle(time_point now) const { return line_->idle(now); }
    /// Copies have it in common.
    [[nodiscard]] void const* state() const noexcept { return line_.get(); }

private:
    /// Until its part is taken for it, or there is no use in waiting any longer. A part that is taken while the caller leaves
    /// is given back by the walk, which settles the ticket.
    template <class = on_use>
    static awaitable<outcome<void>> wait_in_line(std::shared_ptr<detail::rate_line> line, attempt& a, ticket& t) {
        auto const executor = co_await asio::this_coro::executor;
        auto& service = clock_service::of(executor);
        while (auto const rest = line->arm(t.place_, a.of().deadline())) {
            if (co_await wait_until(service, rest->until, &rest->nudge->waits) == wake::cancelled) {
                if (line->leave(t.place_, a.clock().now())) break;
                t.open_ = false;
                co_return failed(fault_kind::cancelled, "the caller left");
            }
            auto const now = a.clock().now();
            line->serve(now);
            if (auto why = line->impatient(t.place_, a.of().deadline(), now)) {
                t.open_ = false;
                co_return failed(*std::move(why));
            }
        }
        co_return outcome<void>{};
    }

    std::shared_ptr<detail::rate_line> line_;
};

}  // namespace coffer::inline COFFER_ABI

#if !defined(COFFER_SEPARATE_COMPILATION)
#include <coffer/policy/rate_limit.ipp>
#endif
