// SPDX-License-Identifier: BSL-1.0
#pragma once
// Definitions of budget_queue.hpp.

#include <coffer/store/budget_queue.hpp>

#include <algorithm>
#include <utility>
#include <vector>

namespace coffer::inline COFFER_ABI {

COFFER_INLINE budget_queue::seat::seat(budget_queue& queue, std::string account) : queue_{queue} {
    queue_.join(*this, std::move(account));
}

COFFER_INLINE void budget_queue::seat::move_to(std::string account) {
    if (account == account_) return;
    queue_.leave(*this);
    account_.clear();
    queue_.join(*this, std::move(account));
}

COFFER_INLINE bool budget_queue::anybody_waits_for(std::string const& account) const {
    std::lock_guard const lock{mutex_};
    return lines_.contains(account);
}

COFFER_INLINE void budget_queue::changed() {
    if (!anybody_waits()) return;
    std::vector<std::shared_ptr<wait_list>> heads;
    {
        std::lock_guard const lock{mutex_};
        for (auto const& [account, line] : lines_) heads.push_back(line.front()->nudge_);
    }
    for (auto const& nudge : heads)
        if (nudge) nudge->notify_all();
}

COFFER_INLINE void budget_queue::join(seat& s, std::string account) {
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

COFFER_INLINE void budget_queue::leave(seat& s) noexcept {
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

COFFER_INLINE bool budget_queue::is_first(seat const& s) const {
    std::lock_guard const lock{mutex_};
    return lines_.find(s.account_)->second.front() == &s;
}

COFFER_INLINE std::shared_ptr<wait_list> budget_queue::arm(seat& s) {
    auto fresh = std::make_shared<wait_list>();
    std::lock_guard const lock{mutex_};
    s.nudge_ = fresh;
    return fresh;
}

}  // namespace coffer::inline COFFER_ABI
