// SPDX-License-Identifier: BSL-1.0
#pragma once
// Those who wait for money, in the order in which they came: one line for each account that has turned them away.

#include <coffer/time/sleep.hpp>

#include <algorithm>
#include <atomic>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

namespace coffer::inline COFFER_ABI {

/// Only the first of each line may try; whoever is behind him waits, even for less. Any thread.
class budget_queue {
public:
    /// One who waits. Belongs to one coroutine; leaves its line when it is destroyed.
    class seat {
    public:
        /// Joins the line of that account, at its end.
        seat(budget_queue& queue, std::string account) : queue_{queue} { queue_.join(*this, std::move(account)); }
        seat(seat const&) = delete;
        seat& operator=(seat const&) = delete;
        ~seat() { queue_.leave(*this); }

        /// Goes to the end of another account's line, if it is another one.
        void move_to(std::string account) {
            if (account == account_) return;
            queue_.leave(*this);
            account_.clear();
            queue_.join(*this, std::move(account));
        }
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
    [[nodiscard]] bool anybody_waits_for(std::string const& account) const {
        std::lock_guard const lock{mutex_};
        return lines_.contains(account);
    }
    /// Money has come back, or a limit was changed: the first of each line may try again.
    void changed() {
        if (!anybody_waits()) return;
        std::vector<std::shared_ptr<wait_list>> heads;
        {
            std::lock_guard const lock{mutex_};
            for (auto const& [account, line] : lines_) heads.push_back(line.front()->nudge_);
        }
        for (auto const& nudge : heads)
            if (nudge) nudge->notify_all();
    }

private:
    void join(seat& s, std::string account) {
        std::lock_guard const lock{mutex_};
        auto const [at, added] = lines_.try_emplace(account);
        try {
            at->second.push_back(&s);
        } catch (...) {
            if (added) lines_.erase(at);
            throw;
        }
        s.account_ = std::move(account);
        anybody_.store(true, std::memory_order_release);
    }
    void leave(seat& s) noexcept {
        std::shared_ptr<wait_list> next;
        {
            std::lock_guard const lock{mutex_};
            auto const at = lines_.find(s.account_);
            if (at == lines_.end()) return;  // it could not join
            auto& line = at->second;
            bool const first = line.front() == &s;
            line.erase(std::find(line.begin(), line.end(), &s));
            if (line.empty()) {
                lines_.erase(at);
                anybody_.store(!lines_.empty(), std::memory_order_release);
            } else if (first) {
                next = line.front()->nudge_;
            }
        }
        if (next) next->notify_all();
    }
    [[nodiscard]] bool is_first(seat const& s) const {
        std::lock_guard const lock{mutex_};
        return lines_.find(s.account_)->second.front() == &s;
    }
    [[nodiscard]] std::shared_ptr<wait_list> arm(seat& s) {
        auto fresh = std::make_shared<wait_list>();
        std::lock_guard const lock{mutex_};
        s.nudge_ = fresh;
        return fresh;
    }

    mutable std::mutex mutex_;
    std::map<std::string, std::deque<seat*>> lines_;  // none is empty
    std::atomic<bool> anybody_{false};
};

}  // namespace coffer::inline COFFER_ABI
