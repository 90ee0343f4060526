// SPDX-License-Identifier: BSL-1.0
#pragma once
// One rate limit as a single moment: when its bucket will be full again. Pure.
//
// The generic cell rate algorithm (ITU-T I.371, "theoretical arrival time"): a bucket that is refilled without pause needs
// no timer and no counter. What is taken moves the moment on by the time in which so much is refilled.

#include <coffer/base/money.hpp>

#include <atomic>
#include <chrono>
#include <cstdint>

namespace coffer::inline COFFER_ABI {

/// `limit` units in each `window`, of which at most `burst`'s worth at once. Integer time; rounded once for each sum that is
/// taken, to the safe side, so that no limit is exceeded and a large one loses nothing that could be measured.
///
/// More than a burst may be taken when the bucket is full: the rest is a debt, and whoever is next waits until it is paid.
///
/// Its limit never changes; another one `take_over`s what is in it, and nothing is taken of it any more nor put back into it.
///
/// Any thread, without a lock; `learn` and `take_over` by one at a time.
class gcra {
public:
    using time_point = std::chrono::steady_clock::time_point;  ///< of the monotonic clock
    using duration = std::chrono::nanoseconds;  ///< whatever unit it is given in

    /// `limit` from 1 to `most`, `window` longer than zero, `burst` cut to the window; it holds one unit at the least.
    gcra(std::int64_t limit, duration window, duration burst) noexcept;
    /// While nobody uses it.
    gcra(gcra const& o) noexcept;
    gcra& operator=(gcra const&) = delete;
    ~gcra() = default;

    /// Units in each window.
    [[nodiscard]] std::int64_t limit() const noexcept { return limit_; }
    /// The time in which `limit` units are refilled.
    [[nodiscard]] duration window() const noexcept { return window_; }
    /// The most that lies in the bucket, as the time in which it is refilled.
    [[nodiscard]] duration burst() const noexcept { return burst_; }
    /// When the bucket is full, if nothing more is taken. It may be long past.
    [[nodiscard]] time_point full_at() const noexcept { return at(full_at_.load()); }

    /// The time in which `units` are refilled, rounded up.
    [[nodiscard]] duration cost(std::int64_t units) const noexcept;

    /// When `units` may be taken, if nothing else is taken before; at once, if that has passed.
    [[nodiscard]] time_point earliest(std::int64_t units) const noexcept;
    /// The same, if `ahead` has been taken by then, as soon as it could. Not before `now`.
    [[nodiscard]] time_point earliest_behind(std::int64_t ahead, std::int64_t units, time_point now) const noexcept;
    /// So many may be taken at once.
    [[nodiscard]] std::int64_t free(time_point now) const noexcept;

    /// Are units of that `cost` there?
    [[nodiscard]] bool has(duration cost, time_point now) const noexcept;
    /// Takes them if they are there. `mark` is how that leaves the bucket: to be compared later with what the provider says
    /// of the moment.
    [[nodiscard]] bool take_if(duration cost, time_point now, time_point& mark) noexcept;
    // These tell whether they were heard: not if another one has taken over.

    /// Takes them, whether they are there or not.
    bool take(std::int64_t units, time_point now) noexcept { return correct(difference(0, units), now); }
    /// As if units of that `cost` had not been taken.
    bool undo(duration cost) noexcept;
    /// `was` has been taken, and it turns out to be `is`: the difference comes back, as far as the bucket holds it, or is
    /// taken too.
    bool correct(std::int64_t was, std::int64_t is, time_point now) noexcept {
        return correct(difference(was, is), now);
    }
    /// The same, of a difference that was reckoned with another one's limit.
    bool correct(duration difference, time_point now) noexcept;
    /// From `was` to `is`, as the time in which so much is refilled; less than zero if it comes back. To the safe side.
    [[nodiscard]] duration difference(std::int64_t was, std::int64_t is) const noexcept;

    /// Goes on with what lies in `before`, which nobody uses any more. That is kept as the time in which it was refilled,
    /// cut to what this one holds: half full stays half full, empty stays empty, and a debt as long as it was. So however
    /// often limits change, in a time t no more is let in than the largest of them all lets in in t: each unit that is
    /// taken has cost its share of time, at the limit of its day, and no change gives any of it back.
    ///
    /// True if nothing had to be converted: marks are good for this one, too.
    bool take_over(gcra& before, time_point now) noexcept;
    /// Nobody goes on with it.
    void close() noexcept { full_at_ = taken_over; }

    /// The bucket as it stands, to be compared later with what the provider says of this moment.
    [[nodiscard]] time_point mark() const noexcept;
    /// By what the provider says of the moment at which an attempt left `mark`, its bucket is full at `theirs`: what others
    /// have taken of it is missing here too, counted once however often it is told. Never more than all that is there, and
    /// the bucket is never put up.
    ///
    /// Own ones reach the provider in another order than they were taken in, so `theirs` may hold all that has been taken by
    /// now: only what is missing beyond that is somebody else's. The rest of theirs is learned when less is under way.
    void learn(time_point mark, time_point theirs, time_point now) noexcept;

    /// For a limit: what is larger could not be counted in time.
    static constexpr std::int64_t most = 1'000'000'000'000;
    /// Instead of a mark: from what is said of that moment nothing is learned.
    static constexpr time_point no_mark{std::chrono::hours{24 * 365 * 200}};

private:
    // Longer than anybody waits; sums of a few stay far from the end of time.
    static constexpr duration longest = std::chrono::hours{24 * 365 * 20};
    static constexpr duration latest = std::chrono::hours{24 * 365 * 200};
    static constexpr std::int64_t taken_over = latest.count() + 1;  // whatever was full then: nothing is there any more

    [[nodiscard]] static time_point at(std::int64_t ns) noexcept { return time_point{duration{ns}}; }
    [[nodiscard]] time_point when(std::int64_t full, duration cost) const noexcept;
    [[nodiscard]] static std::int64_t pushed(std::int64_t full, duration cost, time_point now) noexcept;
    template <class To>
    bool change(To const& to) noexcept {
        auto full = full_at_.load();
        do {
            if (full == taken_over) return false;
        } while (!full_at_.compare_exchange_weak(full, to(full)));
        return true;
    }
    [[nodiscard]] duration time_for(std::int64_t units, bool up) const noexcept;

    std::int64_t limit_;
    duration window_;
    std::int64_t whole_;  // of the window for each unit
    std::int64_t rest_;
    duration one_;
    duration burst_;
    std::atomic<std::int64_t> full_at_{0};  // ns of the clock
    std::atomic<std::int64_t> learned_{0};  // how far `learn` has moved it in all
};

}  // namespace coffer::inline COFFER_ABI

#if !defined(COFFER_SEPARATE_COMPILATION)
#include <coffer/state/gcra.ipp>
#endif
