// SPDX-License-Identifier: BSL-1.0
#pragma once
// Definitions of sleep.hpp.

#include <coffer/time/sleep.hpp>

namespace coffer::inline COFFER_ABI {

COFFER_INLINE void wait_list::add(std::shared_ptr<pending_wait> wait) {
    {
        std::lock_guard const lock{mutex_};
        if (!notified_) {
            if (waits_.size() >= prune_at_) {  // waits that ended otherwise are only dropped here
                std::erase_if(waits_, [](auto const& w) { return w->ended(); });
                prune_at_ = 2 * waits_.size() + 8;
            }
            waits_.push_back(std::move(wait));
            return;
        }
    }
    wait->finish(wake::notified);
}

COFFER_INLINE void wait_list::notify_all() {
    std::vector<std::shared_ptr<pending_wait>> waits;
    {
        std::lock_guard const lock{mutex_};
        notified_ = true;
        waits.swap(waits_);
    }
    for (auto const& wait : waits) wait->finish(wake::notified);
}

#if defined(COFFER_SEPARATE_COMPILATION)
template awaitable<wake, asio::any_io_executor> wait_until(clock_service&, time_point, wait_list*);
#endif

}  // namespace coffer::inline COFFER_ABI
