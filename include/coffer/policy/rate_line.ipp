// SPDX-License-Identifier: BSL-1.0
#pragma once
// Definitions of rate_line.hpp.

#include <coffer/policy/rate_line.hpp>

#include <algorithm>
#include <vector>

namespace coffer::inline COFFER_ABI::detail {

COFFER_INLINE rate_line::rate_line(rate_limit_options const& o)
    : first_{(o.check(), o), 0}, throttle_{o.first_pause, o.longest_pause, o.hint_spread, o.hint_ceiling} {
    first_.options.fair_by = own(o.fair_by);
}

COFFER_INLINE void rate_line::bind(attempt const& a) {
    if (bound_to_.load(std::memory_order_acquire) == &a.clock()) return;
    std::lock_guard const lock{mutex_};
    if (!clock_) clock_ = a.of().shared_clock();
    if (clock_.get() != &a.clock())
        throw misuse{
            "coffer::rate_limit: the calls that share a limiter must share a clock: this one runs under another "
            "than the first; make a limiter for each simulation"};
    bound_to_.store(clock_.get(), std::memory_order_release);
}

COFFER_INLINE std::optional<fault> rate_line::weigh(rate_place& p, attempt const& a) {
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

COFFER_INLINE outcome<bool> rate_line::ask(rate_place& p, attempt const& a) {
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

COFFER_INLINE std::optional<rate_line::rest> rate_line::arm(rate_place& p, time_point deadline) {
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

COFFER_INLINE void rate_line::serve(time_point now) {
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

COFFER_INLINE bool rate_line::leave(rate_place& p, time_point now) {
    {
        std::lock_guard const lock{mutex_};
        if (p.taken_) return true;
        queue_.leave(p);
        reopen();
    }
    serve(now);
    return false;
}

COFFER_INLINE std::optional<fault> rate_line::impatient(rate_place& p, time_point deadline, time_point now) {
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

COFFER_INLINE void rate_line::settle(rate_place& p, rate_weight const& is, news const& n) {
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

COFFER_INLINE void rate_line::abandon(rate_place& p, bool begun) {
    auto const at = now();
    if (leave(p, at) && !begun) settle(p, {}, {at, at});
}

COFFER_INLINE std::size_t rate_line::waiting() const {
    std::lock_guard const lock{mutex_};
    return queue_.size();
}

COFFER_INLINE bool rate_line::idle(time_point now) const {
    std::lock_guard const lock{mutex_};
    return !later_ && queue_.empty() && throttle_.until() <= now && rules().bucket.full(now);
}

COFFER_INLINE rate_limit_options rate_line::options() const {
    std::lock_guard const lock{mutex_};
    return later_ ? later_->options : first_.options;
}

COFFER_INLINE duration rate_line::blocked() const {
    std::lock_guard const lock{mutex_};
    auto const at = clock_ ? clock_->now() : time_point::max();
    return throttle_.until() > at ? throttle_.until() - at : duration::zero();
}

COFFER_INLINE void rate_line::unblock() {
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

COFFER_INLINE void rate_line::change(rate_limit_options const& o) {
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

COFFER_INLINE rate_bucket& rate_line::buckets_of(rate_place const& p) noexcept {
    return p.rules_ ? p.rules_->bucket : first_.bucket;
}

COFFER_INLINE std::string_view rate_line::own(std::string_view text) {
    auto const at = std::find(names_.begin(), names_.end(), text);
    return at != names_.end() ? *at : names_.emplace_front(text);
}

COFFER_INLINE void rate_line::correct(rate_place& p, rate_weight const& is, time_point now) {
    auto const lost = buckets_of(p).correct(p.weight(), is, now);
    if (lost == 0) return;
    std::lock_guard const lock{mutex_};
    rules().bucket.correct(buckets_of(p), lost, p.weight(), is, now);
}

COFFER_INLINE void rate_line::learn(rate_place& p, news const& n) {
    auto& here = rules().bucket;
    bool const at_home = &here == &buckets_of(p);
    here.learn(*n.said, at_home ? p.marks_ : here.translate(p.marks_, buckets_of(p)), n.began, n.now);
}

COFFER_INLINE time_point rate_line::ready(rate_place const& p) const noexcept {
    return std::max(p.unspread_ ? throttle_.least_until() : throttle_.until(), rules().bucket.earliest(p.weight()));
}

COFFER_INLINE std::pair<time_point, std::size_t> rate_line::turn_of(rate_place& p, rate_weight const& ahead,
                                                                    bool at_front, time_point now) const noexcept {
    auto const& bucket = rules().bucket;
    auto const turn = bucket.earliest_behind(ahead, p.weight(), std::max(now, throttle_.until()));
    if (!at_front || p.in_time(turn.first)) return turn;
    auto const sooner = bucket.earliest_behind(ahead, p.weight(), std::max(now, throttle_.least_until()));
    p.unspread_ = p.in_time(sooner.first);
    return p.unspread_ ? sooner : turn;
}

COFFER_INLINE time_point rate_line::looks_again(rate_place const& p) noexcept {
    auto const& first = *static_cast<rate_place*>(queue_.first());
    if (&first == &p) return ready(p);
    auto const at = now();
    return p.turn_ > at ? p.turn_ : std::max(ready(first), at + (at - p.turn_));
}

COFFER_INLINE void rate_line::tell_who_is_late(time_point now, rate_nudges& wakes) noexcept {
    auto const* const first = queue_.first();
    queue_.each([&](rate_waiter& w, rate_weight& ahead) {
        auto& p = static_cast<rate_place&>(w);
        auto const turn = turn_of(p, ahead, &w == first, now).first;
        if (p.in_time(turn)) return void(ahead += p.weight());
        p.late_ = turn;
        wakes.add(std::move(p.nudge_));
    });
}

COFFER_INLINE std::string_view rate_line::reason(rate_place const& p, time_point now) noexcept {
    if (throttle_.until() > now) return "the provider asks to wait";
    if (queue_.first() != &p) return "others come before it";
    auto const& r = rules();
    return r.limits.empty() ? "it is its turn" : r.limits[r.bucket.earliest_behind({}, p.weight(), now).second].name;
}

COFFER_INLINE bool rate_line::take(rate_place& p, time_point now) noexcept {
    if (rules().bucket.try_take(p.weight(), now, p.marks_) != rate_bucket::took::all) return false;
    p.rules_ = later_;
    return p.taken_ = true;
}

COFFER_INLINE void rate_line::reopen() noexcept { open_from_.store(queue_.empty() ? throttle_.until() : closed); }

COFFER_INLINE outcome<bool> rate_line::take_or_join(rate_place& p, attempt const& a, time_point now) {
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

}  // namespace coffer::inline COFFER_ABI::detail
