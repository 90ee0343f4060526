// SPDX-License-Identifier: BSL-1.0
#pragma once
// What all copies of one `rate_limit` share: the buckets, who waits for them, and what the provider has said.

#include <coffer/call/attempt.hpp>
#include <coffer/policy/rate_place.hpp>
#include <coffer/policy/rate_rules.hpp>
#include <coffer/state/rate_queue.hpp>
#include <coffer/state/throttle.hpp>
#include <coffer/time/random.hpp>
#include <coffer/time/sleep.hpp>

#include <atomic>
#include <cstddef>
#include <forward_list>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace coffer::inline COFFER_ABI::detail {

/// Any thread. Whoever comes by (an attempt that enters, one that ends, one whose timer has run off) serves those whose turn it
/// is: the part is theirs before they wake up. So nobody wakes up before the turn that was reckoned for him; but each has a
/// timer for that, since whoever is first may be in a context that nobody runs.
class rate_line {
public:
    explicit rate_line(rate_limit_options const& o);
    rate_line(rate_line const&) = delete;
    rate_line& operator=(rate_line const&) = delete;

    /// The first clock counts. Throws `misuse` for another one.
    void bind(attempt const& a);

    /// What the attempt takes until it is known better. A fault if that cannot be said, or never fits.
    [[nodiscard]] std::optional<fault> weigh(rate_place& p, attempt const& a);
    /// By what it was weighed, and its end is to be judged.
    [[nodiscard]] rate_rules const& rules_of(rate_place const& p) const noexcept {
        return p.rules_ ? *p.rules_ : first_;
    }

    /// Takes its part at once (true), or lets it wait in line (false), or says why not.
    [[nodiscard]] outcome<bool> ask(rate_place& p, attempt const& a);

    /// What a waiter waits for next; nothing if its part is taken.
    struct rest {
        std::shared_ptr<rate_nudge> nudge;
        time_point until;
    };
    [[nodiscard]] std::optional<rest> arm(rate_place& p, time_point deadline);
    /// Gives everybody his part whose turn it is by now, and sees to it that the next one wakes up in time.
    void serve(time_point now);

    /// It waits no longer. True if it has its part by now.
    bool leave(rate_place& p, time_point now);
    /// Has it waited as long as it may, or would it in vain, or had it to leave the line? Then it goes, with this.
    [[nodiscard]] std::optional<fault> impatient(rate_place& p, time_point deadline, time_point now);
    /// What is known at an attempt's end besides what it took.
    struct news {
        time_point began;
        time_point now;
        bool passed = false;  ///< it succeeded
        fault const* why = nullptr;  ///< it was made, and failed
        rate_facts const* said = nullptr;  ///< by the provider
    };
    /// The part that was taken turns out to be `is`.
    void settle(rate_place& p, rate_weight const& is, news const& n);
    /// Nobody hears of its end. `begun`: what it has taken may have been sent, and counts until time has mended it.
    void abandon(rate_place& p, bool begun);

    [[nodiscard]] std::size_t waiting() const;
    [[nodiscard]] bool idle(time_point now) const;
    [[nodiscard]] rate_limit_options options() const;

    /// For how long the provider has asked everybody to wait; zero: it has not.
    [[nodiscard]] duration blocked() const;

    /// By hand: forgets what the provider has asked for.
    void unblock();

    /// Goes by other options from now on, taken as checked. What was taken stays taken; who waits goes on waiting in his place,
    /// but for those who would wait in vain. May throw `std::bad_alloc`, and has changed nothing then.
    void change(rate_limit_options const& o);

private:
    // Under the mutex.
    [[nodiscard]] rate_rules& rules() noexcept { return later_ ? *later_ : first_; }
    [[nodiscard]] rate_rules const& rules() const noexcept { return later_ ? *later_ : first_; }

    [[nodiscard]] rate_bucket& buckets_of(rate_place const& p) noexcept;
    [[nodiscard]] std::shared_ptr<rate_rules> latest() const {
        std::lock_guard const lock{mutex_};
        return later_;
    }
    /// The same text, as long as this lives. A program has few names of tags, however often it changes its options.
    [[nodiscard]] std::string_view own(std::string_view text);
    void correct(rate_place& p, rate_weight const& is, time_point now);
    void learn(rate_place& p, news const& n);

    [[nodiscard]] time_point now() const noexcept { return bound_to_.load(std::memory_order_acquire)->now(); }
    [[nodiscard]] time_point ready(rate_place const& p) const noexcept;
    /// Its turn behind those who take `ahead`, and for want of what. The hint's spread is for whom it costs time and not the
    /// call: `at_front` nobody is overtaken by whoever goes without.
    [[nodiscard]] std::pair<time_point, std::size_t> turn_of(rate_place& p, rate_weight const& ahead, bool at_front,
                                                             time_point now) const noexcept;
    /// When it sees for itself whose turn it is. If that has become later than it was reckoned: after as long as it is late, so
    /// that a thousand who are do not look each time that one of them is served.
    [[nodiscard]] time_point looks_again(rate_place const& p) noexcept;
    /// The block has become longer: who would wait for a turn that comes too late wakes up, to leave; it looks at its call's
    /// deadline itself. Between tenants only those of the own one are sure to come before.
    void tell_who_is_late(time_point now, rate_nudges& wakes) noexcept;
    /// What one in line waits for.
    [[nodiscard]] std::string_view reason(rate_place const& p, time_point now) noexcept;
    [[nodiscard]] bool take(rate_place& p, time_point now) noexcept;
    /// Who comes while nobody waits, and nobody is asked to, need not lock.
    void reopen() noexcept;
    [[nodiscard]] outcome<bool> take_or_join(rate_place& p, attempt const& a, time_point now);

    std::forward_list<std::string> names_;
    rate_rules first_;
    std::atomic<bool> changed_{false};  // there are later ones
    std::atomic<coffer::clock*> bound_to_{nullptr};
    std::atomic<bool> throttled_{false};  // throttle_.tells(), without the lock
    // From then on the buckets alone decide; `closed` while somebody waits.
    static constexpr auto closed = time_point::max();
    std::atomic<time_point> open_from_{time_point::min()};

    mutable std::mutex mutex_;
    std::shared_ptr<coffer::clock> clock_;
    std::shared_ptr<rate_rules> later_;
    throttle throttle_;
    rate_queue queue_;
};

}  // namespace coffer::inline COFFER_ABI::detail

#if !defined(COFFER_SEPARATE_COMPILATION)
#include <coffer/policy/rate_line.ipp>
#endif
