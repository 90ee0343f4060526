// SPDX-License-Identifier: BSL-1.0
#pragma once
// Definitions of sqlite_kept.hpp.

#include <coffer/store/sqlite_kept.hpp>

#include <algorithm>

namespace coffer::inline COFFER_ABI::sqlite::detail {

COFFER_INLINE bool kept_jobs::has(std::string_view record) const noexcept {
    return std::any_of(jobs_.begin(), jobs_.end(), [&](auto& k) { return k->record_ == record; });
}

COFFER_INLINE bool kept_jobs::has_room_for(job const& j) const noexcept {
    return j.in_memory_ <= most_ - std::min(bytes_, most_);
}

COFFER_INLINE void kept_jobs::add(jobs& from) noexcept {
    auto& j = *from.front();
    j.held_.reset();  // who knows how long; virtual time must not stand still for it
    if (jobs_.empty()) retry_at_ = clock::now() + delay_;
    bytes_ += j.in_memory_;
    jobs_.splice(jobs_.end(), from, from.begin());
}

COFFER_INLINE jobs kept_jobs::take() noexcept {
    bytes_ = 0;
    jobs all;
    all.splice(all.end(), jobs_);
    return all;
}

COFFER_INLINE void kept_jobs::tried() noexcept {
    if (jobs_.empty()) {
        delay_ = first_delay;
        return;
    }
    retry_at_ = clock::now() + delay_;
    delay_ = std::min(2 * delay_, std::chrono::milliseconds{last_delay});
}

COFFER_INLINE kept_jobs::clock::time_point kept_jobs::retry_at() const noexcept {
    return jobs_.empty() ? clock::time_point::max() : retry_at_;
}

COFFER_INLINE void kept_jobs::retry_soon() noexcept { retry_at_ = std::min(retry_at_, clock::now() + first_delay); }

}  // namespace coffer::inline COFFER_ABI::sqlite::detail
