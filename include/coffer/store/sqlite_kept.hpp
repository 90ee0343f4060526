// SPDX-License-Identifier: BSL-1.0
#pragma once
// The jobs that wait for the file to work again: what follows a send must not be lost, and is tried until it succeeds.

#include <coffer/store/sqlite_job.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <list>
#include <memory>
#include <string_view>

namespace coffer::inline COFFER_ABI::sqlite::detail {

using jobs = std::list<std::unique_ptr<job>>;

/// Jobs in the order in which they came, and when to try them again. Of the store's thread alone.
class kept_jobs {
public:
    using clock = std::chrono::steady_clock;
    static constexpr auto first_delay = std::chrono::milliseconds{50};
    static constexpr auto last_delay = std::chrono::milliseconds{2000};

    /// `most_bytes`: of answers that have no other place than memory.
    explicit kept_jobs(std::size_t most_bytes) noexcept : most_{most_bytes} {}

    [[nodiscard]] bool empty() const noexcept { return jobs_.empty(); }
    /// Does one of this record wait?
    [[nodiscard]] bool has(std::string_view record) const noexcept {
        return std::any_of(jobs_.begin(), jobs_.end(), [&](auto& k) { return k->record_ == record; });
    }
    [[nodiscard]] bool has_room_for(job const& j) const noexcept {
        return j.in_memory_ <= most_ - std::min(bytes_, most_);
    }

    /// The front job of `from`, behind all others.
    void add(jobs& from) noexcept {
        auto& j = *from.front();
        j.held_.reset();  // who knows how long; virtual time must not stand still for it
        if (jobs_.empty()) retry_at_ = clock::now() + delay_;
        bytes_ += j.in_memory_;
        jobs_.splice(jobs_.end(), from, from.begin());
    }
    /// All of them, to be tried; those that fail are added again.
    [[nodiscard]] jobs take() noexcept {
        bytes_ = 0;
        jobs all;
        all.splice(all.end(), jobs_);
        return all;
    }
    /// They have been tried.
    void tried() noexcept {
        if (jobs_.empty()) {
            delay_ = first_delay;
            return;
        }
        retry_at_ = clock::now() + delay_;
        delay_ = std::min(2 * delay_, std::chrono::milliseconds{last_delay});
    }

    [[nodiscard]] clock::time_point retry_at() const noexcept {
        return jobs_.empty() ? clock::time_point::max() : retry_at_;
    }
    void retry_now() noexcept { retry_at_ = clock::now(); }
    void retry_soon() noexcept { retry_at_ = std::min(retry_at_, clock::now() + first_delay); }

private:
    std::size_t const most_;
    jobs jobs_;
    std::size_t bytes_ = 0;
    clock::time_point retry_at_{};
    std::chrono::milliseconds delay_ = first_delay;
};

}  // namespace coffer::inline COFFER_ABI::sqlite::detail
