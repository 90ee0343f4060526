// SPDX-License-Identifier: BSL-1.0
#pragma once
// What all copies of one `rate_limit` share: the buckets, who waits for them, and what the provider has said.

#include <coffer/call/attempt.hpp>
#include <coffer/policy/rate_limit_options.hpp>
#include <coffer/state/rate.hpp>
#include <coffer/state/rate_queue.hpp>
#include <coffer/state/throttle.hpp>
#include <coffer/time/sleep.hpp>

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace coffer::inline v0::detail {

/// One attempt's part in the limits: waited for, or taken. While it waits, it is the line's.
class rate_place final : public rate_waiter {
public:
    rate_place() = default;

private:
    friend class rate_line;
    bool taken_ = false;
    time_point patient_until_{};
    time_point timer_ = time_point::max();  // when it wakes up by itself
    std::shared_ptr<wait_list> nudge_;      // while it waits; wakes it before that
    rate_bucket::marks marks_{};
};

/// Any thread. Whoever comes by (an attempt that enters, one that ends, one whose timer has run off) serves those whose turn it
/// is: the part is theirs before they wake up. Only the first has a timer for his turn; all have one for their patience.
class rate_line {
public:
    explicit rate_line(rate_limit_options const& o)
        : options_{(o.check(), o)},
          fair_by_{o.fair_by},
          limits_{limits_of(o)},
          counts_tokens_{std::any_of(limits_.begin(), limits_.end(),
                                     [](auto const& l) { return l.of != rate_measure::requests; })},
          bucket_{rules_of(o)},
          throttle_{o.first_pause, o.longest_pause} {
        options_.fair_by = fair_by_;
    }
    rate_line(rate_line const&) = delete;
    rate_line& operator=(rate_line const&) = delete;

    /// The first clock counts. Throws `misuse` for another one.
    void bind(attempt const& a) {
        if (bound_to_.load(std::memory_order_acquire) == &a.clock()) return;
        std::lock_guard const lock{mutex_};
        if (!clock_) clock_ = a.of().shared_clock();
        if (clock_.get() != &a.clock())
            throw misuse{
                "coffer::rate_limit: the calls that share a limiter must share a clock: this one runs under another "
                "than the first; make a limiter for each simulation"};
        bound_to_.store(clock_.get(), std::memory_order_release);
    }

    /// What an attempt takes until it is known better. A fault if that cannot be said.
    [[nodiscard]] std::optional<fault> weigh(attempt const& a, rate_weight& w) const {
        w = one_request;
        if (!counts_tokens_) return std::nullopt;
        auto const& e = a.estimate();
        if (e.input_tokens <= 0 && e.output_tokens <= 0) {
            auto const each = options_.unestimated_tokens;
            if (each == 0) return no_estimate();
            w = rate_weight{1, each, each}.set(rate_measure::tokens, each);
            return std::nullopt;
        }
        auto const input = wide_int{e.input_tokens} * options_.input_percent / 100;
        w = {1, saturate(input), options_.output == output_counted::at_most ? e.output_tokens : 0};
        return std::nullopt;
    }
    /// Is anything but requests limited?
    [[nodiscard]] bool counts_tokens() const noexcept { return counts_tokens_; }

    /// Takes `w` at once (true), or lets it wait in line (false), or says why not.
    [[nodiscard]] outcome<bool> ask(rate_place& p, rate_weight const& w, attempt const& a) {
        if (auto const i = bucket_.never_fits(w))
            return failed(larger_than_limit(limits_[*i], bucket_[*i].limit(), w[limits_[*i].of]));
        p.set_weight(w);
        auto const now = a.now();
        if (now >= open_from_.load(std::memory_order_acquire)) {
            auto const took = bucket_.try_take(w, now, p.marks_);
            if (took == rate_bucket::took::all) return p.taken_ = true, true;
        }
        serve(now);
        return take_or_join(p, a, now);
    }

    /// What a waiter waits for next; nothing if its part is taken.
    struct rest {
        std::shared_ptr<wait_list> nudge;
        time_point until;
    };
    [[nodiscard]] std::optional<rest> arm(rate_place& p, time_point deadline) {
        auto nudge = std::make_shared<wait_list>();
        std::lock_guard const lock{mutex_};
        if (p.taken_) return std::nullopt;
        auto until = std::min(deadline, p.patient_until_);
        if (queue_.first() == &p) until = std::min(until, ready(p));
        p.timer_ = until;
        p.nudge_ = nudge;
        return rest{std::move(nudge), until};
    }
    /// Gives everybody his part whose turn it is by now, and sees to it that the next one wakes up in time.
    void serve(time_point now) {
        for (bool more = true; more;) {
            std::shared_ptr<wait_list> wakes;
            {
                std::lock_guard const lock{mutex_};
                auto* const p = static_cast<rate_place*>(queue_.first());
                if (p == nullptr) return;
                auto const when = ready(*p);
                more = when <= now && take(*p, now);
                if (more) queue_.served(*p), reopen();
                else if (when >= p->timer_) return;
                p->timer_ = when;
                wakes = std::move(p->nudge_);
            }
            if (wakes) wakes->notify_all();
        }
    }

    /// It waits no longer. True if it has its part by now.
    bool leave(rate_place& p, time_point now) {
        {
            std::lock_guard const lock{mutex_};
            if (p.taken_) return true;
            queue_.leave(p);
            reopen();
        }
        serve(now);
        return false;
    }
    /// Has it waited as long as it may? Then it leaves, with this.
    [[nodiscard]] std::optional<fault> impatient(rate_place& p, time_point deadline, time_point now) {
        duration wait{};
        {
            std::lock_guard const lock{mutex_};
            if (p.taken_ || now < std::min(deadline, p.patient_until_)) return std::nullopt;
            queue_.leave(p);
            reopen();
            wait = std::max(ready(p) - now, duration::zero());
        }
        serve(now);
        if (now < deadline) return too_long(wait, "others came before it", false);
        return fault{fault_kind::deadline_exceeded, "rate_limit: the call's deadline came before its turn"};
    }
    /// What is known at an attempt's end besides what it took.
    struct news {
        time_point began;
        time_point now;
        bool passed = false;  ///< it succeeded
        fault const* why = nullptr;  ///< it was made, and failed
        rate_facts const* said = nullptr;  ///< by the provider
    };
    /// The part that was taken turns out to be `is`.
    void settle(rate_place& p, rate_weight const& is, news const& n) {
        bool const throttled = n.why != nullptr && row(n.why->kind()).feeds_limiter;
        bool const passed = n.passed && throttled_.load(std::memory_order_relaxed);
        bool const differs = is != p.weight();
        if (differs) bucket_.correct(p.weight(), is, n.now);
        if (throttled || passed || n.said != nullptr) {
            std::lock_guard const lock{mutex_};
            if (n.said != nullptr) bucket_.learn(*n.said, p.marks_, n.began, n.now);
            if (throttled) throttle_.throttled(n.began, n.now, n.why->retry_after());
            else if (passed) throttle_.passed(n.began);
            throttled_.store(throttle_.tells(), std::memory_order_relaxed);
            reopen();
        }
        // Who joins the line closes it first, and then looks at the buckets once more: he sees this, or is seen.
        if (differs && open_from_.load() == closed) serve(n.now);
    }
    /// Nobody hears of its end. `begun`: what it has taken may have been sent, and counts until time has mended it.
    void abandon(rate_place& p, bool begun) {
        auto const at = now();
        if (leave(p, at) && !begun) settle(p, {}, {at, at});
    }

    [[nodiscard]] std::size_t waiting() const {
        std::lock_guard const lock{mutex_};
        return queue_.size();
    }
    [[nodiscard]] rate_limit_options const& options() const noexcept { return options_; }

private:
    [[nodiscard]] time_point now() const noexcept { return bound_to_.load(std::memory_order_acquire)->now(); }
    [[nodiscard]] time_point ready(rate_place const& p) const noexcept {
        return std::max(throttle_.until(), bucket_.earliest(p.weight()));
    }
    [[nodiscard]] bool take(rate_place& p, time_point now) noexcept {
        return p.taken_ = bucket_.try_take(p.weight(), now, p.marks_) == rate_bucket::took::all;
    }
    /// Who comes while nobody waits, and nobody is asked to, need not lock.
    void reopen() noexcept { open_from_.store(queue_.empty() ? throttle_.until() : closed); }
    [[nodiscard]] outcome<bool> take_or_join(rate_place& p, attempt const& a, time_point now) {
        auto const tenant = tenant_of(a);
        p.patient_until_ = later(now, options_.max_wait);
        std::pair<time_point, std::size_t> turn;
        std::size_t others = 0;
        bool blocked = false;
        {
            std::lock_guard const lock{mutex_};
            if (queue_.empty() && ready(p) <= now && take(p, now)) return true;
            others = queue_.waiting(tenant);
            blocked = throttle_.until() > now;
            auto const share = bucket_.share(p.weight());
            auto const free_from = std::max(now, throttle_.until());
            turn = bucket_.earliest_behind(queue_.ahead_of(tenant, share), p.weight(), free_from);
            bool const in_time = turn.first < a.of().deadline() && turn.first <= p.patient_until_;
            if (others < options_.max_waiting && in_time && a.of().may_wait()) {
                queue_.join(p, tenant, share);
                reopen();
                return false;
            }
        }
        auto const wait = turn.first - now;
        if (others >= options_.max_waiting) return failed(line_full(others, wait));
        if (!a.of().may_wait())
            return failed(fault{fault_kind::queue_full, "rate_limit: a hedge does not wait for its turn"});
        auto const what = blocked ? "the provider asks to wait" : std::string{limits_[turn.second].name};
        return failed(too_long(wait, what, turn.first >= a.of().deadline()));
    }
    [[nodiscard]] std::string_view tenant_of(attempt const& a) const noexcept {
        if (!fair_by_.empty())
            for (auto const& [name, value] : a.of().tags())
                if (name == fair_by_) return value;
        return {};
    }

    static constexpr rate_weight one_request{1, 0, 0};

    rate_limit_options options_;
    std::string const fair_by_;
    std::vector<named_limit> const limits_;
    bool const counts_tokens_;
    std::atomic<coffer::clock const*> bound_to_{nullptr};
    std::atomic<bool> throttled_{false};  // throttle_.tells(), without the lock
    // From then on the buckets alone decide; `closed` while somebody waits.
    static constexpr auto closed = time_point::max();
    std::atomic<time_point> open_from_{time_point::min()};

    mutable std::mutex mutex_;
    std::shared_ptr<coffer::clock> clock_;
    rate_bucket bucket_;
    throttle throttle_;
    rate_queue queue_;
};

}  // namespace coffer::inline v0::detail
