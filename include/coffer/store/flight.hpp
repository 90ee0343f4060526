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
    flight(asio::any_io_executor executor, fingerprint print, call own, std::shared_ptr<flight> predecessor);

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
    void go_on_after(landing const& before);

    /// Complete when nobody is left who could bring the end of a send of it. A send that has lost against another one may go
    /// on when the flight has landed.
    [[nodiscard]] completion<bool> const& home() const noexcept { return home_; }
    /// There is nobody left.
    void come_home() noexcept { home_.set(true); }

    // Callers --------------------------------------------------------------------------------------------------------

    /// One more caller waits, until `deadline`. False when the flight has been given up: a new one is needed.
    [[nodiscard]] bool board(time_point now, time_point deadline);

    /// A caller leaves.
    void leave(time_point now) noexcept;

    /// What somebody who leaves is told: the ended attempts, their cost, and whether a send is running.
    struct progress {
        attempt_log log;  ///< that have ended
        std::optional<money> cost;  ///< none: unknown, or a send is under way
        bool sending = false;  ///< a send is under way
        bool paid_before = false;  ///< perhaps, in a flight whose context went

        /// May anything have been billed?
        [[nodiscard]] bool maybe_billed() const noexcept;
    };
    /// As it is at this moment.
    [[nodiscard]] progress so_far() const;

    /// The accepted answer, for whose time is up while it is still being stored; null before there is one.
    [[nodiscard]] std::optional<landing> accepted() const;

    /// Its coroutine listens to `cancellation()` from now on. Before, a drain in another thread leaves the signal alone.
    void launched() noexcept;

    // The flight's own coroutines ------------------------------------------------------------------------------------

    /// An answer is accepted, and on its way into the store.
    void accept(shared_answer what, target from, bool replayed);

    /// The process is about to end: nothing more is sent. What was sent is brought home; what was not is given up.
    void drain() noexcept;

    /// Nobody waits any longer, and nothing may be sent.
    [[nodiscard]] bool given_up() const {
        std::lock_guard const lock{mutex_};
        return given_up_;
    }

    /// Does anybody wait, in a process that is not about to end?
    [[nodiscard]] bool awaited() const;

    /// A permit is journaled: from now on leaving does not cancel. False when everybody had left before, or when the key
    /// has its answer by now. Several sends may be under way at once, each with its time limit.
    [[nodiscard]] bool begin_send(int send, time_point now, duration timeout, duration finish_grace);

    /// A send has ended. With nobody left there is no reason for another one.
    void end_send(int send);

    /// An attempt has ended. Its cost counts as unknown if it is.
    void recorded(attempt_record const& entry);

    /// When the next of the running sends is cut off: permit + timeout while anybody waits (who came in time); the last
    /// leaving + grace otherwise, but never later than permit + timeout + grace.
    [[nodiscard]] time_point send_limit() const;

    /// Cuts off the running sends whose limit has come. On the strand.
    void cut(time_point now);
    /// Was that send cut off, for being too long?
    [[nodiscard]] bool was_cut(int send) const;
    /// The same, once.
    [[nodiscard]] bool take_cut(int send);

    /// Wakes the flight's keeper when something it waits for has changed. Take it before looking at what it guards.
    [[nodiscard]] std::shared_ptr<wait_list> next_nudge();

    /// The end. The first one counts. From here on the flight does not touch its context any more, which may go.
    void land(landing how);
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
    [[nodiscard]] std::vector<running_send>::iterator find(int send) noexcept;
    [[nodiscard]] std::ptrdiff_t sending() const noexcept;
    [[nodiscard]] time_point limit_of(running_send const& s) const noexcept;

    // Both run in destructors of callers, and so must not fail.
    void nudge() noexcept;

    /// Nobody waits and nothing is paid: the work is cancelled, on its strand.
    void give_up() noexcept;
    void cancel() noexcept;

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

#if !defined(COFFER_SEPARATE_COMPILATION)
#include <coffer/store/flight.ipp>
#endif
