// SPDX-License-Identifier: BSL-1.0
#pragma once
// One piece of keyed work in this process and those who wait for it. Callers come and go; what was permitted goes on.

#include <coffer/asio.hpp>
#include <coffer/base/answer.hpp>
#include <coffer/base/fault.hpp>
#include <coffer/base/fingerprint.hpp>
#include <coffer/call/attempt_log.hpp>
#include <coffer/call/call.hpp>
#include <coffer/call/call_access.hpp>
#include <coffer/time/completion.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace coffer::inline COFFER_ABI {

/// How a flight ended: the same for everybody who waited.
struct landing {
    shared_answer what;            ///< the accepted answer; null for a failure
    target from;                   ///< whose answer it is, as far as anybody knows
    std::optional<fault> why;      ///< the failure
    std::exception_ptr thrown;     ///< misuse or bad_alloc, to be thrown on
    bool replayed = false;         ///< it was paid for earlier
    bool stored = false;           ///< it is durable
    bool in_send = false;  ///< a send was under way, and what became of it nobody will hear
    bool begin_anew = false;  ///< its context went: whoever still waits goes on with another flight
    std::vector<std::string> differing;  ///< of a replay: fields of the request that differ and do not count
    attempt_log log;  ///< the attempts of its call
    std::optional<money> cost;  ///< what it cost; none: unknown, which is not zero
};

/// The shared state of a flight. Callers, the flight's own coroutines and the store's thread meet here: any thread.
///
/// A flight is *before*, *in* or *after* a send. Before and after one, the last caller's leaving gives the flight up: its
/// work is cancelled, and nobody can board it any more. In one it only changes the time limit, for the answer is paid.
class flight : public std::enable_shared_from_this<flight> {
public:
    /// `executor` must be a strand; `own` is the flight's call.
    flight(asio::any_io_executor executor, fingerprint print, call own, std::shared_ptr<flight> predecessor)
        : executor_{std::move(executor)},
          print_{std::move(print)},
          call_{std::move(own)},
          predecessor_{std::move(predecessor)} {}

    /// Complete when the flight has landed.
    [[nodiscard]] completion<landing> const& landed() const noexcept { return landed_; }
    /// What makes requests the same as its own.
    [[nodiscard]] fingerprint const& print() const noexcept { return print_; }
    /// For the flight's own coroutines only, on its strand.
    [[nodiscard]] call& own_call() noexcept { return call_; }
    /// For whoever opens the flight: until it lands.
    [[nodiscard]] asio::any_io_executor executor() const { return executor_; }
    /// By which its coroutines are cancelled; on its strand.
    [[nodiscard]] asio::cancellation_slot cancellation() noexcept { return signal_.slot(); }
    /// The flight in whose place this one was opened; null, or already taken: none.
    [[nodiscard]] std::shared_ptr<flight> take_predecessor() noexcept { return std::move(predecessor_); }
    /// For whoever opens it in place of one whose context went: what that one has done is a part of the same calls.
    void go_on_after(landing const& before) {
        std::lock_guard const lock{mutex_};
        log_ = before.log;
        cost_ = before.cost.value_or(money{});
        cost_known_ = before.cost.has_value();
        paid_before_ = before.in_send ||
                       std::any_of(log_.begin(), log_.end(), [](auto const& a) { return a.billing != knowledge::no; });
    }

    /// Complete when nobody is left who could bring the end of a send of it. A send that has lost against another one may go
    /// on when the flight has landed.
    [[nodiscard]] completion<bool> const& home() const noexcept { return home_; }
    /// There is nobody left.
    void come_home() noexcept { home_.set(true); }

    // Callers --------------------------------------------------------------------------------------------------------

    /// One more caller waits, until `deadline`. False when the flight has been given up: a new one is needed.
    [[nodiscard]] bool board(time_point now, time_point deadline) {
        std::lock_guard const lock{mutex_};
        if (given_up_) return false;
        // A send that goes on only because nobody waited for it must not be cut off because somebody does again.
        if (aboard_++ == 0)
            for (auto& s : sends_) s.outlived = s.outlived || now >= later(s.permitted_at, s.timeout);
        call_access::extend_deadline(call_, deadline);
        nudge();
        return true;
    }

    /// A caller leaves.
    void leave(time_point now) noexcept {
        std::lock_guard const lock{mutex_};
        if (--aboard_ > 0 || over_) return;
        left_at_ = now;
        if (sending() > 0) nudge();
        else give_up();
    }

    /// What somebody who leaves is told: the ended attempts, their cost, and whether a send is running.
    struct progress {
        attempt_log log;  ///< that have ended
        std::optional<money> cost;  ///< none: unknown, or a send is under way
        bool sending = false;  ///< a send is under way
        bool paid_before = false;  ///< perhaps, in a flight whose context went

        /// May anything have been billed?
        [[nodiscard]] bool maybe_billed() const noexcept {
            return sending || paid_before ||
                   std::any_of(log.begin(), log.end(), [](auto const& a) { return a.billing != knowledge::no; });
        }
    };
    /// As it is at this moment.
    [[nodiscard]] progress so_far() const {
        std::lock_guard const lock{mutex_};
        bool const in_send = sending() > 0;
        return {log_, cost_known_ && !in_send ? std::optional{cost_} : std::nullopt, in_send, paid_before_};
    }

    /// The accepted answer, for whose time is up while it is still being stored; null before there is one.
    [[nodiscard]] std::optional<landing> accepted() const {
        std::lock_guard const lock{mutex_};
        if (accepted_ == nullptr) return std::nullopt;
        landing how;
        how.what = accepted_;
        how.from = accepted_from_;
        how.replayed = replayed_;
        how.log = log_;
        how.cost = cost_known_ && sending() == 0 ? std::optional{cost_} : std::nullopt;
        return how;
    }

    /// Its coroutine listens to `cancellation()` from now on. Before, a drain in another thread leaves the signal alone.
    void launched() noexcept {
        std::lock_guard const lock{mutex_};
        launched_ = true;
        if (given_up_) cancel();
    }

    // The flight's own coroutines ------------------------------------------------------------------------------------

    /// An answer is accepted, and on its way into the store.
    void accept(shared_answer what, target from, bool replayed) {
        std::lock_guard const lock{mutex_};
        accepted_ = std::move(what);
        accepted_from_ = std::move(from);
        replayed_ = replayed;
    }

    /// The process is about to end: nothing more is sent. What was sent is brought home; what was not is given up.
    void drain() noexcept {
        std::lock_guard const lock{mutex_};
        draining_ = true;
        if (sending() == 0 && accepted_ == nullptr) give_up();
    }

    /// Nobody waits any longer, and nothing may be sent.
    [[nodiscard]] bool given_up() const {
        std::lock_guard const lock{mutex_};
        return given_up_;
    }

    /// Does anybody wait, in a process that is not about to end?
    [[nodiscard]] bool awaited() const {
        std::lock_guard const lock{mutex_};
        return aboard_ > 0 && !draining_;
    }

    /// A permit is journaled: from now on leaving does not cancel. False when everybody had left before, or when the key
    /// has its answer by now. Several sends may be under way at once, each with its time limit.
    [[nodiscard]] bool begin_send(int send, time_point now, duration timeout, duration finish_grace) {
        std::lock_guard const lock{mutex_};
        if (given_up_ || draining_ || accepted_ != nullptr) return false;
        sends_.push_back({send, now, timeout, finish_grace});
        nudge();
        return true;
    }

    /// A send has ended. With nobody left there is no reason for another one.
    void end_send(int send) {
        std::lock_guard const lock{mutex_};
        auto const at = find(send);
        if (at == sends_.end()) return;
        if (at->cut) at->over = true;  // until it has been taken notice of
        else sends_.erase(at);
        if (sending() == 0 && (aboard_ == 0 || draining_)) give_up();
    }

    /// An attempt has ended. Its cost counts as unknown if it is.
    void recorded(attempt_record const& entry) {
        std::lock_guard const lock{mutex_};
        log_.add(entry);
        if (entry.cost) cost_ += *entry.cost;
        else cost_known_ = false;
    }

    /// When the next of the running sends is cut off: permit + timeout while anybody waits (who came in time); the last
    /// leaving + grace otherwise, but never later than permit + timeout + grace.
    [[nodiscard]] time_point send_limit() const {
        std::lock_guard const lock{mutex_};
        auto first = time_point::max();
        for (auto const& s : sends_)
            if (!s.cut) first = std::min(first, limit_of(s));
        return first;
    }

    /// Cuts off the running sends whose limit has come. On the strand.
    void cut(time_point now) {
        bool any = false;
        {
            std::lock_guard const lock{mutex_};
            for (auto& s : sends_)
                if (!s.cut && limit_of(s) <= now) any = s.cut = true;
        }
        if (any) signal_.emit(asio::cancellation_type::terminal);
    }
    /// Was that send cut off, for being too long?
    [[nodiscard]] bool was_cut(int send) const {
        std::lock_guard const lock{mutex_};
        return std::any_of(sends_.begin(), sends_.end(), [&](auto const& s) { return s.number == send && s.cut; });
    }
    /// The same, once.
    [[nodiscard]] bool take_cut(int send) {
        std::lock_guard const lock{mutex_};
        auto const at = find(send);
        if (at == sends_.end() || !at->cut) return false;
        if (at->over) sends_.erase(at);
        else at->cut = false;
        return true;
    }

    /// Wakes the flight's keeper when something it waits for has changed. Take it before looking at what it guards.
    [[nodiscard]] std::shared_ptr<wait_list> next_nudge() {
        std::lock_guard const lock{mutex_};
        if (!nudge_) nudge_ = std::make_shared<wait_list>();
        return nudge_;
    }

    /// The end. The first one counts. From here on the flight does not touch its context any more, which may go.
    void land(landing how) {
        asio::any_io_executor gone;  // released after the lock
        {
            std::lock_guard const lock{mutex_};
            if (over_) return;
            how.log = log_;
            how.in_send = sending() > 0;
            how.cost = cost_known_ && !how.in_send ? std::optional{cost_} : std::nullopt;
            if (how.why && paid_before_)
                how.why->with_execution(std::max(how.why->execution(), knowledge::maybe))
                    .with_billing(std::max(how.why->billing(), knowledge::maybe));
            if (draining_ && how.why && how.why->kind() == fault_kind::cancelled)
                how.why = fault{fault_kind::draining, "this process is shutting down; run the job again elsewhere"}
                              .with_execution(how.why->execution())
                              .with_billing(how.why->billing());
            over_ = true;
            gone.swap(executor_);
            nudge();
        }
        landed_.set(std::move(how));
    }
    /// It has landed, or was given up.
    [[nodiscard]] bool over() const {
        std::lock_guard const lock{mutex_};
        return over_;
    }

private:
    /// A send that is under way.
    struct running_send {
        int number = 0;
        time_point permitted_at{};
        duration timeout{};
        duration finish_grace{};
        bool cut = false;
        bool over = false;  ///< it has ended, and that it was cut is not taken notice of yet
        bool outlived = false;  ///< it goes on only because nobody waited for it
    };
    [[nodiscard]] std::vector<running_send>::iterator find(int send) noexcept {
        return std::find_if(sends_.begin(), sends_.end(), [&](auto const& s) { return s.number == send; });
    }
    [[nodiscard]] std::ptrdiff_t sending() const noexcept {
        return std::count_if(sends_.begin(), sends_.end(), [](auto const& s) { return !s.over; });
    }
    [[nodiscard]] time_point limit_of(running_send const& s) const noexcept {
        auto const timeout = later(s.permitted_at, s.timeout);
        if (aboard_ > 0 && !s.outlived) return timeout;
        return std::min(later(left_at_, s.finish_grace), later(timeout, s.finish_grace));
    }

    // Both run in destructors of callers, and so must not fail.
    void nudge() noexcept {
        if (auto const before = std::exchange(nudge_, nullptr)) before->notify_all();
    }

    /// Nobody waits and nothing is paid: the work is cancelled, on its strand.
    void give_up() noexcept {
        if (!std::exchange(given_up_, true) && launched_) cancel();
    }
    void cancel() noexcept {
        if (over_) return;
        try {
            asio::post(executor_,
                       [self = shared_from_this()] { self->signal_.emit(asio::cancellation_type::terminal); });
        } catch (...) {  // no memory: the work ends by itself, and sends nothing
        }
    }

    asio::any_io_executor executor_;
    fingerprint const print_;
    call call_;
    std::shared_ptr<flight> predecessor_;
    asio::cancellation_signal signal_;
    completion<landing> const landed_;
    completion<bool> const home_;

    mutable std::mutex mutex_;
    std::shared_ptr<wait_list> nudge_;
    int aboard_ = 0;
    bool launched_ = false;
    bool given_up_ = false;
    bool draining_ = false;
    bool over_ = false;
    std::vector<running_send> sends_;
    time_point left_at_{};
    attempt_log log_;
    money cost_;
    bool cost_known_ = true;
    bool paid_before_ = false;
    shared_answer accepted_;
    target accepted_from_;
    bool replayed_ = false;
};

}  // namespace coffer::inline COFFER_ABI
