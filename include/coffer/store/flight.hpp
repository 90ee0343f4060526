// SPDX-License-Identifier: BSL-1.0
#pragma once
// One piece of keyed work in this process and those who wait for it. Callers come and go; what was permitted goes on.

#include <coffer/asio.hpp>
#include <coffer/base/answer.hpp>
#include <coffer/base/fault.hpp>
#include <coffer/base/fingerprint.hpp>
#include <coffer/call/attempt_log.hpp>
#include <coffer/call/call.hpp>
#include <coffer/time/completion.hpp>

#include <algorithm>
#include <cstdint>
#include <exception>
#include <memory>
#include <mutex>
#include <optional>
#include <utility>

namespace coffer::inline v0 {

/// How a flight ended: the same for everybody who waited.
struct landing {
    shared_answer what;            ///< the accepted answer; null for a failure
    std::optional<fault> why;      ///< the failure
    std::exception_ptr thrown;     ///< misuse or bad_alloc, to be thrown on
    bool replayed = false;         ///< it was paid for earlier
    bool stored = false;           ///< it is durable
    attempt_log log;
    std::optional<money> cost;
};

/// The shared state of a flight. Callers, the flight's own coroutines and the store's thread meet here: any thread.
///
/// A flight is *before*, *in* or *after* a send. Before and after one, the last caller's leaving cancels the work; in
/// one it only shortens the time limit, for the answer is paid.
class flight : public std::enable_shared_from_this<flight> {
public:
    /// `executor` must be a strand; `own` is the flight's call.
    flight(asio::any_io_executor executor, fingerprint print, call own, std::shared_ptr<flight> predecessor)
        : executor_{std::move(executor)}, print_{std::move(print)}, call_{std::move(own)},
          predecessor_{std::move(predecessor)} {}

    [[nodiscard]] completion<landing> const& landed() const noexcept { return landed_; }
    [[nodiscard]] fingerprint const& print() const noexcept { return print_; }
    /// For the flight's own coroutines only, on its strand.
    [[nodiscard]] call& own_call() noexcept { return call_; }
    [[nodiscard]] asio::any_io_executor executor() const { return executor_; }
    [[nodiscard]] asio::cancellation_slot cancellation() noexcept { return signal_.slot(); }
    [[nodiscard]] std::shared_ptr<flight> take_predecessor() noexcept { return std::move(predecessor_); }

    // Callers --------------------------------------------------------------------------------------------------------

    /// One more caller waits, until `deadline`. False when the flight has been given up: a new one is needed.
    bool board(time_point deadline) {
        std::lock_guard const lock{mutex_};
        if (abandoned_) return false;
        ++aboard_;
        call_access::extend_deadline(call_, deadline);
        nudge();
        return true;
    }

    /// A caller leaves.
    void leave(time_point now) {
        std::lock_guard const lock{mutex_};
        if (--aboard_ > 0 || over_) return;
        left_at_ = now;
        if (sending_) nudge();
        else abandon();
    }

    /// What somebody who leaves is told: the ended attempts, their cost, and whether a send is running.
    struct progress {
        attempt_log log;
        std::optional<money> cost;
        bool sending = false;
    };
    [[nodiscard]] progress so_far() const {
        std::lock_guard const lock{mutex_};
        return {log_, cost_known_ && !sending_ ? std::optional{cost_} : std::nullopt, sending_};
    }

    // The flight's own coroutines ------------------------------------------------------------------------------------

    /// A permit is journaled: from now on leaving does not cancel. False when everybody had left before.
    [[nodiscard]] bool begin_send(time_point now, duration timeout, duration finish_grace) {
        std::lock_guard const lock{mutex_};
        if (abandoned_) return false;
        sending_ = true;
        cut_ = false;
        permitted_at_ = now;
        timeout_ = timeout;
        finish_grace_ = finish_grace;
        nudge();
        return true;
    }

    /// The send has ended. With nobody left there is no reason for another one.
    void end_send() {
        std::lock_guard const lock{mutex_};
        sending_ = false;
        if (aboard_ == 0) abandon();
    }

    void recorded(attempt_record const& entry) {
        std::lock_guard const lock{mutex_};
        log_.add(entry);
        if (entry.cost) cost_ += *entry.cost;
        else cost_known_ = false;
    }

    /// When the running send is cut off: permit + timeout while anybody waits; the last leaving + grace otherwise, but
    /// never later than permit + timeout + grace.
    [[nodiscard]] time_point send_limit() const {
        std::lock_guard const lock{mutex_};
        if (!sending_ || cut_) return time_point::max();
        auto const timeout = call_access::later(permitted_at_, timeout_);
        if (aboard_ > 0) return timeout;
        return std::min(call_access::later(left_at_, finish_grace_), call_access::later(timeout, finish_grace_));
    }

    /// Cuts the running send off. On the strand.
    void cut() {
        {
            std::lock_guard const lock{mutex_};
            if (!sending_ || cut_) return;
            cut_ = true;
        }
        signal_.emit(asio::cancellation_type::terminal);
    }
    [[nodiscard]] bool was_cut() const {
        std::lock_guard const lock{mutex_};
        return cut_;
    }
    [[nodiscard]] bool take_cut() {
        std::lock_guard const lock{mutex_};
        return std::exchange(cut_, false);
    }

    /// Wakes the flight's keeper when something it waits for has changed. Take it before looking at what it guards.
    [[nodiscard]] std::shared_ptr<wait_list> next_nudge() const {
        std::lock_guard const lock{mutex_};
        return nudge_;
    }

    /// The end. The first one counts. From here on the flight does not touch its context any more, which may go.
    void land(landing how) {
        {
            std::lock_guard const lock{mutex_};
            if (std::exchange(over_, true)) return;
            how.log = log_;
            how.cost = cost_known_ ? std::optional{cost_} : std::nullopt;
            nudge();
            executor_ = {};
        }
        landed_.set(std::move(how));
    }
    [[nodiscard]] bool over() const {
        std::lock_guard const lock{mutex_};
        return over_;
    }

private:
    void nudge() {
        auto const before = std::exchange(nudge_, std::make_shared<wait_list>());
        before->notify_all();
    }

    /// Nobody waits and nothing is paid: the work is cancelled, on its strand.
    void abandon() {
        if (std::exchange(abandoned_, true) || over_) return;
        asio::post(executor_, [self = shared_from_this()] { self->signal_.emit(asio::cancellation_type::terminal); });
    }

    asio::any_io_executor executor_;
    fingerprint const print_;
    call call_;
    std::shared_ptr<flight> predecessor_;
    asio::cancellation_signal signal_;
    completion<landing> const landed_;

    mutable std::mutex mutex_;
    std::shared_ptr<wait_list> nudge_ = std::make_shared<wait_list>();
    int aboard_ = 0;
    bool abandoned_ = false;
    bool over_ = false;
    bool sending_ = false;
    bool cut_ = false;
    time_point permitted_at_{};
    time_point left_at_{};
    duration timeout_{};
    duration finish_grace_{};
    attempt_log log_;
    money cost_;
    bool cost_known_ = true;
};

}  // namespace coffer::inline v0
