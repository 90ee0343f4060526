// SPDX-License-Identifier: BSL-1.0
#pragma once
// Ten minutes of sleep in microseconds, and one seed is one run.

#include <coffer/asio.hpp>
#include <coffer/time/clock_service.hpp>

#include COFFER_ASIO_HEADER(io_context.hpp)

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <utility>

namespace coffer::inline COFFER_ABI::testing {

/// A clock that stands still until somebody moves it. Any thread.
class virtual_clock final : public clock {
public:
    /// It begins at the same moment each time, steady and wall clock. One seed is one run.
    explicit virtual_clock(std::uint64_t seed = 1) : clock{seed} {}

    [[nodiscard]] time_point now() const noexcept override {
        std::lock_guard const lock{mutex_};
        return now_;
    }
    [[nodiscard]] wall_time_point wall_now() const noexcept override {
        std::lock_guard const lock{mutex_};
        return wall_start + std::chrono::duration_cast<wall_time_point::duration>(now_ - time_point{} + set_by_);
    }
    [[nodiscard]] bool is_virtual() const noexcept override { return true; }
    [[nodiscard]] bool begin_wait(std::shared_ptr<pending_wait> const& wait, time_point until) override {
        if (!wait->begin(std::nullopt)) return false;
        if (until != time_point::max()) {
            std::lock_guard const lock{mutex_};
            timers_.emplace(until, wait);
        }
        return true;
    }
    void begin_outside_work() noexcept override {
        std::lock_guard const lock{mutex_};
        ++outside_;
    }
    void end_outside_work() noexcept override {
        std::lock_guard const lock{mutex_};
        if (--outside_ == 0) idle_.notify_all();
    }

    /// Blocks while something outside the context works for it. True if it had to wait.
    bool await_outside_work() {
        std::unique_lock lock{mutex_};
        if (outside_ == 0) return false;
        idle_.wait(lock, [this] { return outside_ == 0; });
        return true;
    }

    /// Moves to the next pending wait that is due no later than `limit` and ends it. False if there is none.
    bool advance(time_point limit) {
        for (;;) {
            std::shared_ptr<pending_wait> wait;
            {
                std::lock_guard const lock{mutex_};
                if (timers_.empty() || timers_.begin()->first > limit) return false;
                wait = timers_.begin()->second;
                if (!wait->ended()) now_ = std::max(now_, timers_.begin()->first);
                timers_.erase(timers_.begin());
            }
            if (wait->finish(wake::elapsed)) return true;
        }
    }

    /// Moves on without ending anything that is not due.
    void set(time_point to) {
        std::lock_guard const lock{mutex_};
        now_ = std::max(now_, to);
    }

    /// Sets the wall clock forward, or back, as an operator or the network may at any time. Steady time goes on.
    void step_wall(duration by) {
        std::lock_guard const lock{mutex_};
        set_by_ += by;
    }

private:
    static constexpr wall_time_point wall_start{std::chrono::seconds{1'800'000'000}};

    mutable std::mutex mutex_;
    std::condition_variable idle_;
    time_point now_{std::chrono::hours{1000}};
    duration set_by_{};
    std::multimap<time_point, std::shared_ptr<pending_wait>> timers_;  // equal times in order of arrival
    int outside_ = 0;
};

/// Runs an io_context in virtual time: time moves only when no handler is ready and nothing outside works for it.
///
///     asio::io_context io;
///     coffer::testing::virtual_time time{io, seed};
///     asio::co_spawn(io, job(), asio::detached);
///     time.run();                                    // returns when nothing is left to do
///
/// All waits of coffer's go by it: deadlines, backoff, limits, leases, and the delays of scripted operations. Timers of
/// Asio's own do not. A store's thread, and a transport's on another context, are waited for in real time; a pool behind
/// `from_blocking` is not.
///
/// Run by one thread, and by nobody else while this lives: `io.run()` beside it would let time stand still. What a handler
/// throws comes out of `run` and `run_for`, which may be called again.
class virtual_time {
public:
    /// Gives the context a virtual clock. To be made before the context's first call, and to live as long as it is
    /// used.
    explicit virtual_time(asio::io_context& io, std::uint64_t seed = 1)
        : io_{io}, clock_{std::make_shared<virtual_clock>(seed)} {
        clock_service::of(io.get_executor()).install(clock_);
    }

    /// For whoever moves it by hand.
    [[nodiscard]] std::shared_ptr<virtual_clock> const& clock() const noexcept { return clock_; }
    /// By that clock.
    [[nodiscard]] time_point now() const noexcept { return clock_->now(); }

    /// Runs until nothing is ready, nothing sleeps and nothing outside works.
    void run() { run_until(time_point::max()); }

    /// Runs everything that is due within `d`, and moves the clock by `d`.
    void run_for(duration d) {
        auto const limit = later(clock_->now(), d);
        run_until(limit);
        clock_->set(limit);
    }

private:
    void run_until(time_point limit) {
        for (;;) {
            if (io_.stopped()) io_.restart();
            if (io_.poll() > 0) continue;
            if (clock_->await_outside_work()) continue;
            // What worked outside may have posted between the poll and its end.
            if (io_.poll() > 0) continue;
            if (!clock_->advance(limit)) return;
        }
    }

    asio::io_context& io_;
    std::shared_ptr<virtual_clock> clock_;
};

}  // namespace coffer::inline COFFER_ABI::testing
