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

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <forward_list>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace coffer::inline COFFER_ABI::detail {

/// Any thread. Whoever comes by (an attempt that enters, one that ends, one whose timer has run off) serves those whose turn it
/// is: the part is theirs before they wake up. So nobody wakes up before the turn that was reckoned for him; but each has a
/// timer for that, since whoever is first may be in a context that nobody runs.
class rate_line {
public:
    explicit rate_line(rate_limit_options const& o)
        : first_{(o.check(), o), 0}, throttle_{o.first_pause, o.longest_pause, o.hint_spread, o.hint_ceiling} {
        first_.options.fair_by = own(o.fair_by);
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

    /// What the attempt takes until it is known better. A fault if that cannot be said, or never fits.
    [[nodiscard]] std::optional<fault> weigh(rate_place& p, attempt const& a) {
        if (changed_.load(std::memory_order_acquire)) p.rules_ = latest();
        auto const& r = rules_of(p);
        if (!r.counts_tokens) {
            p.set_weight(rate_rules::one_request);
            return std::nullopt;
        }
        rate_weight w;
        if (auto why = r.weigh(a, w)) return why;
        p.set_weight(w);
        return r.never_fits(w);
    }
    /// By what it was weighed, and its end is to be judged.
    [[nodiscard]] rate_rules const& rules_of(rate_place const& p) const noexcept {
        return p.rules_ ? *p.rules_ : first_;
    }

    /// Takes its part at once (true), or lets it wait in line (false), or says why not.
    [[nodiscard]] outcome<bool> ask(rate_place& p, attempt const& a) {
        auto const now = a.now();
        if (now >= open_from_.load(std::memory_order_acquire)) {
            auto& bucket = buckets_of(p);
            rate_bucket::missed lost = 0;
            auto const took = bucket.try_take(p.weight(), now, p.marks_, lost);
            if (took == rate_bucket::took::all) return p.taken_ = true, true;
            if (lost != 0) {
                std::lock_guard const lock{mutex_};
                rules().bucket.correct(bucket, lost, p.weight(), {}, now);
            }
        }
        serve(now);
        return take_or_join(p, a, now);
    }

    /// What a waiter waits for next; nothing if its part is taken.
    struct rest {
        std::shared_ptr<rate_nudge> nudge;
        time_point until;
    };
    [[nodiscard]] std::optional<rest> arm(rate_place& p, time_point deadline) {
        auto nudge = std::make_shared<rate_nudge>();
        std::lock_guard const lock{mutex_};
        if (p.taken_) return std::nullopt;
        if (p.refused_ || p.late_) return rest{std::move(nudge), time_point::min()};
        p.deadline_ = deadline;
        auto const until = std::min({deadline, p.patient_until_, looks_again(p)});
        p.timer_ = until;
        p.nudge_ = nudge;
        return rest{std::move(nudge), until};
    }
    /// Gives everybody his part whose turn it is by now, and sees to it that the next one wakes up in time.
    void serve(time_point now) {
        for (bool more = true; more;) {
            std::shared_ptr<rate_nudge> wakes;
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
            if (wakes) wakes->waits.notify_all();
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
    /// Has it waited as long as it may, or would it in vain, or had it to leave the line? Then it goes, with this.
    [[nodiscard]] std::optional<fault> impatient(rate_place& p, time_point deadline, time_point now) {
        std::optional<time_point> late;
        duration wait{};
        std::string_view what;
        {
            std::lock_guard const lock{mutex_};
            if (p.refused_) return std::move(*p.refused_);
            if (p.taken_) return std::nullopt;
            p.deadline_ = deadline;
            late = std::exchange(p.late_, std::nullopt);
            if (late && p.in_time(*late)) late.reset();
            if (!late && now < std::min(deadline, p.patient_until_)) return std::nullopt;
            what = reason(p, now);
            queue_.leave(p);
            reopen();
            wait = std::max(late.value_or(ready(p)) - now, duration::zero());
        }
        serve(now);
        if (now < deadline) return too_long(wait, std::string{what}, late && *late >= deadline);
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
        if (differs) correct(p, is, n.now);
        rate_nudges late;
        if (throttled || passed || n.said != nullptr) {
            std::lock_guard const lock{mutex_};
            if (n.said != nullptr) learn(p, n);
            if (throttled) {
                auto& random = bound_to_.load(std::memory_order_acquire)->random();
                auto const before = throttle_.until();
                throttle_.throttled(n.began, n.now, n.why->retry_after(), unit_interval(random.next()));
                if (throttle_.until() > before) tell_who_is_late(n.now, late);
            } else if (passed) throttle_.passed(n.began);
            throttled_.store(throttle_.tells(), std::memory_order_relaxed);
            reopen();
        }
        late.wake();
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
    [[nodiscard]] bool idle(time_point now) const {
        std::lock_guard const lock{mutex_};
        return !later_ && queue_.empty() && throttle_.until() <= now && rules().bucket.full(now);
    }
    [[nodiscard]] rate_limit_options options() const {
        std::lock_guard const lock{mutex_};
        return later_ ? later_->options : first_.options;
    }

    /// For how long the provider has asked everybody to wait; zero: it has not.
    [[nodiscard]] duration blocked() const {
        std::lock_guard const lock{mutex_};
        auto const at = clock_ ? clock_->now() : time_point::max();
        return throttle_.until() > at ? throttle_.until() - at : duration::zero();
    }

    /// By hand: forgets what the provider has asked for.
    void unblock() {
        time_point at{};
        {
            std::lock_guard const lock{mutex_};
            throttle_.lift();
            throttled_.store(false, std::memory_order_relaxed);
            queue_.each([](rate_waiter& w, rate_weight&) { static_cast<rate_place&>(w).late_.reset(); });
            reopen();
            if (!clock_) return;  // nobody has been here yet
            at = clock_->now();
        }
        serve(at);
    }

    /// Goes by other options from now on, taken as checked. What was taken stays taken; who waits goes on waiting in his place,
    /// but for those who would wait in vain. May throw `std::bad_alloc`, and has changed nothing then.
    void change(rate_limit_options const& o) {
        std::vector<std::pair<rate_place*, std::unique_ptr<fault>>> in_vain;
        rate_nudges wakes;
        time_point at{};
        {
            std::lock_guard const lock{mutex_};
            auto& before = rules();
            auto next = std::make_shared<rate_rules>(o, before.generation + 1);
            next->options.fair_by = own(o.fair_by);
            queue_.each([&](rate_waiter& w, rate_weight&) {
                if (auto why = next->never_fits(w.weight()))
                    in_vain.emplace_back(static_cast<rate_place*>(&w), std::make_unique<fault>(*std::move(why)));
            });

            if (clock_) at = clock_->now();
            next->bucket.take_over(before.bucket, at);
            throttle_.change(o.first_pause, o.longest_pause, o.hint_spread, o.hint_ceiling);
            later_ = std::move(next);
            changed_.store(true, std::memory_order_release);
            for (auto& [p, why] : in_vain) {
                queue_.leave(*p);
                p->refused_ = std::move(why);
                wakes.add(std::move(p->nudge_));
            }
            reopen();
            if (!clock_) return;  // nobody has been here yet
        }
        wakes.wake();
        serve(at);
    }

private:
    // Under the mutex.
    [[nodiscard]] rate_rules& rules() noexcept { return later_ ? *later_ : first_; }
    [[nodiscard]] rate_rules const& rules() const noexcept { return later_ ? *later_ : first_; }

    [[nodiscard]] rate_bucket& buckets_of(rate_place const& p) noexcept {
        return p.rules_ ? p.rules_->bucket : first_.bucket;
    }
    [[nodiscard]] std::shared_ptr<rate_rules> latest() const {
        std::lock_guard const lock{mutex_};
        return later_;
    }
    /// The same text, as long as this lives. A program has few names of tags, however often it changes its options.
    [[nodiscard]] std::string_view own(std::string_view text) {
        auto const at = std::find(names_.begin(), names_.end(), text);
        return at != names_.end() ? *at : names_.emplace_front(text);
    }
    void correct(rate_place& p, rate_weight const& is, time_point now) {
        auto const lost = buckets_of(p).correct(p.weight(), is, now);
        if (lost == 0) return;
        std::lock_guard const lock{mutex_};
        rules().bucket.correct(buckets_of(p), lost, p.weight(), is, now);
    }
    void learn(rate_place& p, news const& n) {
        auto& here = rules().bucket;
        bool const at_home = &here == &buckets_of(p);
        here.learn(*n.said, at_home ? p.marks_ : here.translate(p.marks_, buckets_of(p)), n.began, n.now);
    }

    [[nodiscard]] time_point now() const noexcept { return bound_to_.load(std::memory_order_acquire)->now(); }
    [[nodiscard]] time_point ready(rate_place const& p) const noexcept {
        return std::max(p.unspread_ ? throttle_.least_until() : throttle_.until(), rules().bucket.earliest(p.weight()));
    }
    /// Its turn behind those who take `ahead`, and for want of what. The hint's spread is for whom it costs time and not the
    /// call: `at_front` nobody is overtaken by whoever goes without.
    [[nodiscard]] std::pair<time_point, std::size_t> turn_of(rate_place& p, rate_weight const& ahead, bool at_front,
                                                             time_point now) const noexcept {
        auto const& bucket = rules().bucket;
        auto const turn = bucket.earliest_behind(ahead, p.weight(), std::max(now, throttle_.until()));
        if (!at_front || p.in_time(turn.first)) return turn;
        auto const sooner = bucket.earliest_behind(ahead, p.weight(), std::max(now, throttle_.least_until()));
        p.unspread_ = p.in_time(sooner.first);
        return p.unspread_ ? sooner : turn;
    }
    /// When it sees for itself whose turn it is. If that has become later than it was reckoned: after as long as it is late, so
    /// that a thousand who are do not look each time that one of them is served.
    [[nodiscard]] time_point looks_again(rate_place const& p) noexcept {
        auto const& first = *static_cast<rate_place*>(queue_.first());
        if (&first == &p) return ready(p);
        auto const at = now();
        return p.turn_ > at ? p.turn_ : std::max(ready(first), at + (at - p.turn_));
    }
    /// The block has become longer: who would wait for a turn that comes too late wakes up, to leave; it looks at its call's
    /// deadline itself. Between tenants only those of the own one are sure to come before.
    void tell_who_is_late(time_point now, rate_nudges& wakes) noexcept {
        auto const* const first = queue_.first();
        queue_.each([&](rate_waiter& w, rate_weight& ahead) {
            auto& p = static_cast<rate_place&>(w);
            auto const turn = turn_of(p, ahead, &w == first, now).first;
            if (p.in_time(turn)) return void(ahead += p.weight());
            p.late_ = turn;
            wakes.add(std::move(p.nudge_));
        });
    }
    /// What one in line waits for.
    [[nodiscard]] std::string_view reason(rate_place const& p, time_point now) noexcept {
        if (throttle_.until() > now) return "the provider asks to wait";
        if (queue_.first() != &p) return "others come before it";
        auto const& r = rules();
        return r.limits.empty() ? "it is its turn"
                                : r.limits[r.bucket.earliest_behind({}, p.weight(), now).second].name;
    }
    [[nodiscard]] bool take(rate_place& p, time_point now) noexcept {
        if (rules().bucket.try_take(p.weight(), now, p.marks_) != rate_bucket::took::all) return false;
        p.rules_ = later_;
        return p.taken_ = true;
    }
    /// Who comes while nobody waits, and nobody is asked to, need not lock.
    void reopen() noexcept { open_from_.store(queue_.empty() ? throttle_.until() : closed); }
    [[nodiscard]] outcome<bool> take_or_join(rate_place& p, attempt const& a, time_point now) {
        std::pair<time_point, std::size_t> turn;
        std::size_t others = 0;
        char const* full = nullptr;
        std::string_view what = "the provider asks to wait";
        {
            std::lock_guard const lock{mutex_};
            auto const& r = rules();
            if (auto why = r.never_fits(p.weight())) return failed(*std::move(why));  // changed since it was weighed
            if (queue_.empty() && ready(p) <= now && take(p, now)) return true;
            p.deadline_ = a.of().deadline();
            p.patient_until_ = later(now, r.options.max_wait);
            auto const tenant = r.tenant_of(a);
            others = queue_.waiting(tenant);
            if (others >= r.options.max_waiting) full = "max_waiting";
            else if (others = queue_.size(); !r.options.fair_by.empty() && others >= r.options.max_waiting_in_all)
                full = "max_waiting_in_all";
            auto const share = r.bucket.share(p.weight());
            turn = turn_of(p, queue_.ahead_of(tenant, share), queue_.empty(), now);
            if (p.unspread_ && turn.first <= now && take(p, now)) return true;
            if (full == nullptr && p.in_time(turn.first) && a.of().may_wait()) {
                queue_.join(p, tenant, share);
                p.turn_ = turn.first;
                reopen();
                return false;
            }
            if (throttle_.until() <= now) what = r.limits[turn.second].name;
        }
        auto const wait = turn.first - now;
        if (full != nullptr) return failed(line_full(others, full, wait));
        if (!a.of().may_wait())
            return failed(fault{fault_kind::queue_full, "rate_limit: a hedge does not wait for its turn"});
        return failed(too_long(wait, std::string{what}, turn.first >= p.deadline_));
    }

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
