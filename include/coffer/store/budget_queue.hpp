// SPDX-License-Identifier: BSL-1.0
#pragma once
// Those who wait for money, in the order in which they came: one line for each account that has turned them away.

#include <coffer/time/sleep.hpp>

#include <atomic>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <string>

namespace coffer::inline COFFER_ABI {

/// Only the first of each line may try; whoever is behind him waits, even for less. Any thread.
class budget_queue {
public:
    /// One who waits. Belongs to one coroutine; leaves its line when it is destroyed.
    class seat {
    public:
        /// Joins the line of that account, at its end.
        seat(budget_queue& queue, std::string account);
        seat(seat const&) = delete;
        seat& operator=(seat const&) = delete;
        ~seat() { queue_.leave(*this); }

        /// Goes to the end of another account's line, if it is another one.
        void move_to(std::string account);
        /// Whose money it waits for.
        [[nodiscard]] std::string const& account() const noexcept { return account_; }
        /// In its line: it may try.
        [[nodiscard]] bool is_first() const { return queue_.is_first(*this); }
        /// Notified when it is worth trying again. To be taken before trying, so that nothing is missed in between.
        [[nodiscard]] std::shared_ptr<wait_list> arm() { return queue_.arm(*this); }

    private:
        friend class budget_queue;
        budget_queue& queue_;
        std::string account_;
        std::shared_ptr<wait_list> nudge_;
    };

    budget_queue() = default;
    budget_queue(budget_queue const&) = delete;
    budget_queue& operator=(budget_queue const&) = delete;

    /// Without a lock. Who is told no has joined before he asks once more, and so is seen by whoever changes something after
    /// that.
    [[nodiscard]] bool anybody_waits() const noexcept { return anybody_.load(std::memory_order_acquire); }
    /// Does anybody wait for that account's money? Takes the lock.
    [[nodiscard]] bool anybody_waits_for(std::string const& account) const;
    /// Money has come back, or a limit was changed: the first of each line may try again.
    void changed();

private:
    void join(seat& s, std::string account);
    void leave(seat& s) noexcept;
    [[nodiscard]] bool is_first(seat const& s) const;
    [[nodiscard]] std::shared_ptr<wait_list> arm(seat& s);

    mutable std::mutex mutex_;
    std::map<std::string, std::deque<seat*>> lines_;  // none is empty
    std::atomic<bool> anybody_{false};
};

}  // namespace coffer::inline COFFER_ABI

#if !defined(COFFER_SEPARATE_COMPILATION)
#include <coffer/store/budget_queue.ipp>
#endif
